// Package dindbind is the library in a Go program: cgo compiles dindbind.c, which is a link to it here. `cp -rL` takes
// the directory along with the two files. dindbind.h is the reference.
//
// SPDX-License-Identifier: 0BSD
package dindbind

/*
#cgo CFLAGS: -DDINDBIND_NO_MAIN -O2
#include <stdlib.h>
#include "dindbind.h"
*/
import "C"

import (
	"strings"
	"unsafe"
)

// Config says whose paths they are, as struct dindbind_runner does.
type Config struct {
	PID     int    // the runner's task; 0: no live one
	Start   uint64 // its start time: a process that got its number later is not taken for it
	Binds   []Bind
	Overlay string // mount options of its root, for when it is dead

	Engine      int    // the process that mounts the answers, if its mount namespace is another one; 0: this one
	EngineStart uint64 // its start time
}

// Bind is a row of the bind table: the runner has Host mounted at Path.
type Bind struct {
	Host, Path string
	ReadOnly   bool
}

// Error is what dindbind refuses, or fails at.
type Error struct {
	Word    string // stable: "missing", "gone", ...
	Message string // for people
	Status  int    // 1: the source is refused. 2: the Config is wrong. 3: the runner or this system cannot be read
}

func (e *Error) Error() string { return "dindbind: " + e.Message }

// Runner is an opened runner. Goroutines may share it; Close comes after the last of them.
type Runner struct {
	c    *C.struct_dindbind_runner
	mine []unsafe.Pointer
}

// Open takes hold of a runner.
func Open(config Config) (*Runner, error) {
	r := &Runner{}
	n := len(config.Binds)
	// C keeps pointers to all of this, so that none of it can be Go's memory
	r.c = (*C.struct_dindbind_runner)(r.keep(C.malloc(C.sizeof_struct_dindbind_runner)))
	*r.c = C.struct_dindbind_runner{pid: C.long(config.PID), start: C.ulonglong(config.Start),
		engine: C.long(config.Engine), engine_start: C.ulonglong(config.EngineStart)}
	if config.Overlay != "" {
		r.c.overlay = r.keepString(config.Overlay)
	}
	r.c.binds = (*C.struct_dindbind_bind)(r.keep(C.malloc(C.size_t(n+1) * C.sizeof_struct_dindbind_bind)))
	r.c.nbinds = C.size_t(n)
	for i, row := range config.Binds {
		unsafe.Slice(r.c.binds, n)[i] = C.struct_dindbind_bind{
			host: r.keepString(row.Host), path: r.keepString(row.Path), ro: cBool(row.ReadOnly)}
	}
	if rc := C.dindbind_open(r.c); rc != 0 {
		err := r.failure(nil, nil, rc)
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close lets go of it. What was resolved outlives it.
func (r *Runner) Close() {
	C.dindbind_close(r.c)
	for _, p := range r.mine {
		C.free(p)
	}
	r.mine = nil
}

func (r *Runner) keep(p unsafe.Pointer) unsafe.Pointer {
	r.mine = append(r.mine, p)
	return p
}

func (r *Runner) keepString(s string) *C.char { return (*C.char)(r.keep(unsafe.Pointer(cString(s)))) }

// Source is an answer that holds the file: Fd stays what was resolved, whatever the runner renames later.
type Source struct {
	Path     string   // opens the same file, if there are no Layers
	Layers   []string // topmost first: of a dead runner's directory, or file, that several make up
	ReadOnly bool     // must be mounted read-only, or is so already
	c        *C.struct_dindbind_result
}

// Fd is an O_PATH descriptor, -1 where there is none. It is good until Close.
func (s *Source) Fd() int { return int(s.c.fd) }

// Close lets go of the file.
func (s *Source) Close() {
	C.dindbind_release(s.c)
	C.free(unsafe.Pointer(s.c))
}

// Resolve answers with something to open.
func (r *Runner) Resolve(source string) (*Source, error) { return r.resolve(source, 0) }

func (r *Runner) resolve(source string, flags C.uint) (*Source, error) {
	name := cString(source)
	defer C.free(unsafe.Pointer(name))
	s := &Source{c: (*C.struct_dindbind_result)(C.malloc(C.sizeof_struct_dindbind_result))}
	if rc := C.dindbind_resolve(r.c, name, flags, s.c); rc != 0 {
		defer s.Close()
		return nil, r.failure(name, s.c, rc)
	}
	s.Path, s.ReadOnly = C.GoString(&s.c.path[0]), s.c.ro != 0
	for _, layer := range unsafe.Slice(s.c.layers, s.c.nlayers) {
		s.Layers = append(s.Layers, C.GoString(layer))
	}
	return s, nil
}

// Mount is what a sibling needs mounted.
type Mount struct {
	Path     string // what to mount
	Below    string // where: the target, followed by this
	ReadOnly bool
}

// Mounts answers with host paths, parents first: for a runner that does not swap directories meanwhile.
func (r *Runner) Mounts(source string) ([]Mount, error) {
	s, err := r.Resolve(source)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	name := cString(source)
	defer C.free(unsafe.Pointer(name))
	var below *C.struct_dindbind_mount
	var n C.size_t
	rc := C.dindbind_host(r.c, s.c, &below, &n)
	if rc == 0 && s.Layers != nil {
		rc = C.DINDBIND_E_FORMAT // an overlay of these layers is to be mounted, or a stage
	}
	if rc != 0 {
		return nil, r.failure(name, s.c, rc)
	}
	defer C.free(unsafe.Pointer(below))
	mounts := []Mount{{Path: C.GoString(&s.c.path[0]), ReadOnly: s.ReadOnly}}
	for _, m := range unsafe.Slice(below, n) {
		mounts = append(mounts, Mount{C.GoString(m.path), C.GoString(m.rest), m.ro != 0})
	}
	return mounts, nil
}

// Stage mounts the sources themselves below dir, all or none, and answers with their paths there: for any runner.
// Needs CAP_SYS_ADMIN in the mount namespace of the engine, which a Go program's threads share unless told otherwise.
func (r *Runner) Stage(dir string, sources ...string) ([]Mount, error) {
	n := len(sources)
	list := C.malloc(C.size_t(n+1) * C.size_t(unsafe.Sizeof(uintptr(0))))
	results := unsafe.Slice((**C.struct_dindbind_result)(list), n)
	defer C.free(list)
	for i, source := range sources {
		s, err := r.resolve(source, C.DINDBIND_TO_STAGE)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		results[i] = s.c
	}
	name := cString(dir)
	defer C.free(unsafe.Pointer(name))
	var errno C.int
	if rc := C.dindbind_stage(r.c, name, (**C.struct_dindbind_result)(list), C.size_t(n), &errno); rc != 0 {
		for i := range sources {
			if results[i].error != 0 {
				return nil, r.failure(name, results[i], rc)
			}
		}
		return nil, r.failure(name, &C.struct_dindbind_result{error: rc, sys_errno: errno, fd: -1}, rc)
	}
	mounts := make([]Mount, n)
	for i := range sources {
		mounts[i] = Mount{Path: C.GoString(&results[i].path[0]), ReadOnly: results[i].ro != 0}
	}
	return mounts, nil
}

// Request says what specs and bodies are answered with: host paths, or with Dir entries of the stage there.
type Request struct {
	Dir      string
	MakeDirs bool // create a missing source directory, as dockerd does for Binds
	ReadOnly bool // whoever mounts the answers makes them read-only
}

// Volumes translates specs of `docker run -v`, all or none. There is one more for each mount of the runner's below a source.
func (r *Runner) Volumes(q Request, specs ...string) ([]string, error) {
	text, err := r.batch(q, func(b *C.struct_dindbind_batch, keep func(string) *C.char) C.int {
		for _, spec := range specs {
			if rc := C.dindbind_add_volume(b, keep(spec)); rc != 0 {
				return rc
			}
		}
		return 0
	})
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00"), err
}

// Create translates the body of a container-create request of Docker's API. After an error it may not reach the daemon
// as it was.
func (r *Runner) Create(q Request, body []byte) ([]byte, error) {
	return r.batch(q, func(b *C.struct_dindbind_batch, keep func(string) *C.char) C.int {
		return C.dindbind_add_body(b, keep(string(body)), C.size_t(len(body)))
	})
}

// batch answers what `add` puts into it. `keep` gives the C string of a text that lasts as long as the batch.
func (r *Runner) batch(q Request, add func(*C.struct_dindbind_batch, func(string) *C.char) C.int) ([]byte, error) {
	b := (*C.struct_dindbind_batch)(C.calloc(1, C.sizeof_struct_dindbind_batch))
	mine := []unsafe.Pointer{unsafe.Pointer(b)}
	defer func() {
		C.dindbind_end(b)
		for _, p := range mine {
			C.free(p)
		}
	}()
	keep := func(s string) *C.char {
		p := C.CString(s)
		mine = append(mine, unsafe.Pointer(p))
		return p
	}
	b.runner = r.c
	if q.Dir != "" {
		b.dir = keep(q.Dir)
	}
	if q.MakeDirs {
		b.flags |= C.DINDBIND_MKDIR
	}
	if q.ReadOnly {
		b.flags |= C.DINDBIND_READONLY
	}
	if rc := add(b, keep); rc != 0 {
		wrong := C.GoString(b.wrong)
		if b.about != nil {
			wrong = C.GoString(b.about) + ": " + wrong
		}
		return nil, &Error{C.GoString(C.dindbind_word(rc)), wrong, int(C.dindbind_status(rc))}
	}
	if rc := C.dindbind_answer(b); rc != 0 {
		messages := strings.TrimSuffix(C.GoString(b.messages), "\n")
		return nil, &Error{C.GoString(C.dindbind_word(rc)), messages, int(C.dindbind_status(rc))}
	}
	text := C.GoBytes(unsafe.Pointer(b.text), C.int(b.len))
	C.dindbind_settle(b, 1)
	return text, nil
}

// Unstage takes a stage down, or one path of it, that this process sees.
func Unstage(path string) error {
	return unstage(&Runner{c: &C.struct_dindbind_runner{}}, nil, path)
}

// Unstage takes a stage of its Engine's down, or one path of it.
func (r *Runner) Unstage(path string) error {
	return unstage(r, r.c, path)
}

func unstage(r *Runner, engine *C.struct_dindbind_runner, path string) error {
	name := cString(path)
	defer C.free(unsafe.Pointer(name))
	var res C.struct_dindbind_result
	if rc := C.dindbind_unstage(engine, name, &res.sys_errno); rc != 0 {
		return r.failure(name, &res, rc)
	}
	return nil
}

// failure makes an Error of a code.
func (r *Runner) failure(source *C.char, res *C.struct_dindbind_result, rc C.int) error {
	var text [2 * C.DINDBIND_PATH_MAX]C.char
	C.dindbind_message(r.c, source, res, rc, &text[0], C.size_t(len(text)))
	return &Error{C.GoString(C.dindbind_word(rc)), C.GoString(&text[0]), int(C.dindbind_status(rc))}
}

// cString copies into C's memory. A NUL would end the text early there, and make another name of it: such a text
// becomes the empty one, which is refused everywhere.
func cString(s string) *C.char {
	if strings.IndexByte(s, 0) >= 0 {
		s = ""
	}
	return C.CString(s)
}

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
