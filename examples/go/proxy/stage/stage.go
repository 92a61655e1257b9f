// Package stage keeps the stages of a proxy: a directory of BASE for each container that was created, for as long as the
// daemon has that container.
//
// SPDX-License-Identifier: 0BSD
//
// Nothing is written down. The name of a stage says whose it is, OWNER-NUMBER, and what the daemon reports of its
// containers says which stages they mount. All others go. BASE is made by stages.sh: it is read-only, so that the daemon
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
	"regexp"
	"strings"
	"sync"
	"syscall"

	"dindbind.example/proxy/peer"
	"dindbind.example/proxy/table"
)

// Store is all stages below one BASE.
type Store struct {
	Base, Dindbind string
	PerOwner, All  int                                     // mounts, at most
	Engine         func() (*peer.Process, error)           // who mounts them
	Options        func(*peer.Process) []string            // of dindbind, to work for that one
	Containers     func(context.Context) ([][]byte, error) // what the daemon reports of each of its containers
	mutex          sync.Mutex
	busy           map[string]bool // its container is not there yet
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
	if s.busy == nil {
		s.busy = map[string]bool{}
	}
	s.busy[dir] = err == nil
	return dir, err
}

// Done says that the daemon has answered: the next Sweep sees whether a container has the stage.
func (s *Store) Done(dir string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.busy, dir)
}

func (s *Store) writable(engine *peer.Process) string {
	return fmt.Sprintf("/proc/%d/root%s.rw", engine.PID, s.Base)
}

// Prepared fails where BASE is not what stages.sh makes.
func (s *Store) Prepared(engine *peer.Process) error {
	base := strings.TrimSuffix(s.writable(engine), ".rw")
	var fs, rw syscall.Statfs_t
	a, err := os.Stat(base)
	b, also := os.Stat(base + ".rw")
	if err == nil && also == nil && os.SameFile(a, b) && a.Mode().Perm() == 0700 &&
		syscall.Statfs(base, &fs) == nil && syscall.Statfs(base+".rw", &rw) == nil &&
		fs.Type == 0x01021994 && fs.Flags&syscall.MS_RDONLY != 0 && rw.Flags&syscall.MS_RDONLY == 0 {
		return nil
	}
	return fmt.Errorf("%s is not ready for stages, as the engine sees it: run `stages.sh %s` there before the engine starts", s.Base, s.Base)
}

// Full fails where there are too many mounts below BASE.
func (s *Store) Full(owner string) error {
	engine, err := s.Engine()
	if err != nil {
		return err
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", engine.PID))
	if err != nil {
		return err
	}
	for prefix, limit := range map[string]int{owner + "-": s.PerOwner, "": s.All} {
		if n := strings.Count(string(mounts), " "+s.Base+"/"+prefix); n > limit {
			return table.Refuse(http.StatusTooManyRequests, "siblings have %d mounts below %s/%s, and %d is the limit: remove some", n, s.Base, prefix, limit)
		}
	}
	return nil
}

// Sweep takes down every stage that no container has.
func (s *Store) Sweep(ctx context.Context) error {
	engine, err := s.Engine()
	if err != nil {
		return err
	}
	// first the stages: one that is made meanwhile is not among them
	s.mutex.Lock()
	entries, err := os.ReadDir(s.writable(engine))
	left := map[string]bool{}
	for _, e := range entries {
		if dir := filepath.Join(s.Base, e.Name()); !s.busy[dir] {
			left[dir] = true
		}
	}
	s.mutex.Unlock()
	if err != nil || len(left) == 0 {
		return err
	}
	reports, err := s.Containers(ctx)
	if err != nil {
		return err
	}
	names := regexp.MustCompile(regexp.QuoteMeta(s.Base) + `/[0-9a-f]{16}-[0-9]+`)
	for _, report := range reports {
		for _, dir := range names.FindAll(report, -1) {
			delete(left, string(dir))
		}
	}
	for dir := range left {
		args := append(s.Options(engine), "-u", dir)
		if out, failed := exec.CommandContext(ctx, s.Dindbind, args...).CombinedOutput(); failed != nil {
			err = fmt.Errorf("%s: %w: %s", dir, failed, out)
		} else if failed = os.Remove(filepath.Join(s.writable(engine), filepath.Base(dir))); failed != nil {
			err = failed
		}
	}
	return err
}
