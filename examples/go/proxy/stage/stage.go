// Package stage keeps the stages of a proxy: a directory of BASE for each container that was created, for as long as the
// daemon has that container.
//
// SPDX-License-Identifier: 0BSD
//
// Nothing is written down. The name of a stage says whose it is, OWNER-NUMBER, and the daemon's report of its containers
// says which stages they mount. All others go. BASE is made by stages.sh: it is read-only, so that the daemon
// cannot make an empty directory where a stage is lost, and BASE.rw is the same file system, to be written to. Both are
// looked for, and counted, in the mount namespace of the engine.
package stage

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"dindbind.example/proxy/peer"
	"dindbind.example/proxy/table"
)

// Store is all stages below one BASE.
type Store struct {
	Base, Dindbind string
	PerOwner, All  int                                     // mounts, at most
	Engine         func() (*peer.Process, error)           // who mounts them
	Options        func(*peer.Process) []string            // of dindbind, to work for that one
	Sources        func(context.Context) ([]string, error) // what all containers mount
	mutex          sync.Mutex
	own            map[string]bool // stages that were made here; true: the container is not there yet
	lock           *os.File        // no other proxy has this BASE
}

// New makes the directory of a stage. It is kept until Done, and then as long as a container has it.
func (s *Store) New(owner string) (string, error) {
	engine, err := s.Engine()
	if err == nil {
		err = s.Prepared(engine)
	}
	if err == nil {
		err = s.Full(owner)
	}
	if err != nil {
		return "", err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	made, err := os.MkdirTemp(s.writable(engine), owner+"-")
	if err == nil { // the mark of a stage for another mount namespace, which dindbind could not set there
		err = os.Chmod(made, 0700|os.ModeSticky)
	}
	dir := filepath.Join(s.Base, filepath.Base(made))
	if s.own == nil {
		s.own = map[string]bool{}
	}
	s.own[dir] = err == nil
	return dir, err
}

// Done says that the daemon has answered: the next Sweep sees whether a container has the stage.
func (s *Store) Done(dir string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.own[dir] = false
}

func (s *Store) writable(engine *peer.Process) string {
	return fmt.Sprintf("/proc/%d/root%s.rw", engine.PID, s.Base)
}

// mount is a row of mountinfo: device, place, flags.
type mount struct{ dev, point, flags string }

func (s *Store) mounts(engine *peer.Process) (rows []mount, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", engine.PID))
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 5 && strings.HasPrefix(f[4], s.Base) {
			rows = append(rows, mount{f[2], f[4], f[5]})
		}
	}
	return rows, err
}

// Prepared fails where BASE is not what stages.sh makes, or another proxy has it.
func (s *Store) Prepared(engine *peer.Process) error {
	rows, err := s.mounts(engine)
	var base, rw mount
	for _, m := range rows {
		switch m.point {
		case s.Base:
			base = m
		case s.Base + ".rw":
			rw = m
		}
	}
	if err == nil && (base.dev == "" || base.dev != rw.dev || !strings.HasPrefix(base.flags, "ro") || !strings.HasPrefix(rw.flags, "rw")) {
		err = fmt.Errorf("%s is not ready for stages, as the engine sees it: run `stages.sh %s` there before the engine starts", s.Base, s.Base)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err != nil || s.lock != nil {
		return err
	}
	lock, err := os.Open(s.writable(engine))
	if err == nil && syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return fmt.Errorf("%s is in use by another proxy", s.Base)
	}
	s.lock = lock
	return err
}

// Full fails where there are too many mounts below BASE.
func (s *Store) Full(owner string) error {
	engine, err := s.Engine()
	if err != nil {
		return err
	}
	rows, err := s.mounts(engine)
	own, all := 0, 0
	for _, m := range rows {
		if strings.HasPrefix(m.point, s.Base+"/"+owner+"-") {
			own++
		}
		if strings.HasPrefix(m.point, s.Base+"/") {
			all++
		}
	}
	if own > s.PerOwner {
		return table.Refuse(http.StatusTooManyRequests, "siblings of this container have %d mounts, and %d is the limit: remove some", own, s.PerOwner)
	} else if all > s.All {
		return table.Refuse(http.StatusTooManyRequests, "all siblings together have %d mounts, and %d is the limit: remove some", all, s.All)
	}
	return err
}

// Sweep takes down every stage that no container has.
func (s *Store) Sweep(ctx context.Context) error {
	engine, err := s.Engine()
	if err != nil {
		return err
	}
	if err = s.Prepared(engine); err != nil {
		return err
	}
	// First the stages: one that is made meanwhile is not among them. The engine may be about to make the container of one that
	// another proxy has left a moment ago.
	s.mutex.Lock()
	entries, err := os.ReadDir(s.writable(engine))
	left := map[string]bool{}
	for _, e := range entries {
		dir := filepath.Join(s.Base, e.Name())
		busy, own := s.own[dir]
		if info, gone := e.Info(); gone == nil && !busy && (own || time.Since(info.ModTime()) > time.Minute) {
			left[dir] = true
		}
	}
	s.mutex.Unlock()
	if err != nil || len(left) == 0 {
		return err
	}
	sources, err := s.Sources(ctx)
	if err != nil {
		return err
	}
	for _, source := range sources {
		delete(left, filepath.Dir(source)) // BASE/STAGE/N
	}
	for dir := range left {
		args := append(s.Options(engine), "-u", dir)
		if out, failed := exec.CommandContext(ctx, s.Dindbind, args...).CombinedOutput(); failed != nil {
			err = fmt.Errorf("%s: %w: %s", dir, failed, out)
		} else if failed = os.Remove(filepath.Join(s.writable(engine), filepath.Base(dir))); failed != nil {
			err = failed
		} else {
			s.mutex.Lock()
			delete(s.own, dir)
			s.mutex.Unlock()
		}
	}
	return err
}
