// Package peer knows which process is at the other end of a Unix socket, and what that sees of the file system.
//
// SPDX-License-Identifier: 0BSD
package peer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// Process is a process by number and start time, which dindbind takes as PID:START.
type Process struct {
	PID   int
	Start string
	fd    *os.File // a pidfd, where the kernel has one of a peer
}

func (p *Process) String() string {
	return strconv.Itoa(p.PID) + ":" + p.Start
}

// Not in Go's package syscall.
const (
	soPeerPidfd        = 77  // SO_PEERPIDFD, Linux 6.5
	sysPidfdSendSignal = 424 // on every machine
	openPath           = 0x200000
)

var errGone = errors.New("the process that connected is gone: it has to live until it has the answer")

// Of returns the process that connected; where the connection was made here, the one that listens. SO_PEERCRED has the
// number of that time, which may be another process's by now; a pidfd cannot be.
func Of(c *net.UnixConn) (p *Process, err error) {
	p = &Process{}
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	var gone error
	raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			p.PID = int(cred.Pid)
		}
		pidfd, missing := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, soPeerPidfd)
		if missing == nil {
			p.fd = os.NewFile(uintptr(pidfd), "pidfd")
		} else if missing != syscall.ENOPROTOOPT {
			gone = errGone
		}
	})
	if gone != nil {
		err = gone
	} else if p.PID <= 0 {
		err = errors.New("its PID cannot be seen from here: the proxy has to be in the host's PID namespace")
	} else if p.Start, err = start(p.PID); err == nil {
		err = p.Check()
	}
	if err != nil {
		p.Close()
	}
	return p, err
}

// ByPID is a process by its number alone.
func ByPID(pid int) (*Process, error) {
	started, err := start(pid)
	return &Process{PID: pid, Start: started}, err
}

// Check fails if the number is not that process's any more.
func (p *Process) Check() error {
	if p.fd != nil {
		if field(p.fd.Fd(), "Pid:") != strconv.Itoa(p.PID) {
			return errGone
		}
		if _, _, e := syscall.Syscall6(sysPidfdSendSignal, p.fd.Fd(), 0, 0, 0, 0, 0); e != 0 && e != syscall.EPERM {
			return errGone
		}
	}
	if now, err := start(p.PID); err != nil || now != p.Start {
		return errGone
	}
	return nil
}

// Close gives the pidfd back.
func (p *Process) Close() {
	if p.fd != nil {
		p.fd.Close()
		p.fd = nil
	}
}

// start is field 22 of stat, counted from the end of the name, which may hold anything.
func start(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if err != nil || len(fields) < 20 {
		return "", errGone
	}
	return fields[19], nil
}

// Mount is the mount that an open file is on, as /proc reports it.
func Mount(f *os.File) string { return field(f.Fd(), "mnt_id:") }

// field is a line of a descriptor's fdinfo.
func field(fd uintptr, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	_, text, _ = bytes.Cut(text, []byte(name))
	text, _, _ = bytes.Cut(text, []byte("\n"))
	return string(bytes.TrimSpace(text))
}

// View is a mount namespace and a root in it: processes with the same one have the same names for all files.
type View struct{ namespace, path, mount, inode string }

// View looks up what the process sees, and that it was still that process. The root is not asked for its attributes: it may
// be a file system of the process's own, which does not answer.
func (p *Process) View() (v View, err error) {
	proc := fmt.Sprintf("/proc/%d/", p.PID)
	if v.namespace, err = os.Readlink(proc + "ns/mnt"); err != nil {
		return v, err
	}
	// on btrfs the top of each subvolume has the same inode, and its own path
	if v.path, err = os.Readlink(proc + "root"); err != nil {
		return v, err
	}
	fd, err := syscall.Open(proc+"root", openPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return v, &os.PathError{Op: "open", Path: proc + "root", Err: err}
	}
	defer syscall.Close(fd)
	v.mount, v.inode = field(uintptr(fd), "mnt_id:"), field(uintptr(fd), "ino:")
	if v.mount == "" || v.inode == "" {
		return v, errors.New("the kernel does not report which root it is: that takes Linux 5.14")
	}
	return v, p.Check()
}

var container = regexp.MustCompile(`(?m)^.*[0-9a-f]{64}`)

// Owner is 16 digits that stand for the container that the process is in: the cgroup down to the last one that has a
// container's ID for its name. Nobody outside can be in that; where there is none it is the mount namespace.
func (p *Process) Owner() (string, error) {
	cgroup, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.PID))
	name := container.FindString(string(cgroup))
	if err == nil && name == "" {
		name, err = os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", p.PID))
	}
	if os.IsNotExist(err) {
		err = errGone
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:16], err
}
