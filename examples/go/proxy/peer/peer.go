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
	fd    *os.File // a pidfd, where the kernel has one of the peer
}

func (p *Process) String() string { return strconv.Itoa(p.PID) + ":" + p.Start }

// Not in Go's package syscall.
const (
	soPeerPidfd        = 77  // SO_PEERPIDFD, Linux 6.5
	sysPidfdSendSignal = 424 // the same number on every machine
	openPath           = 0x200000
	inAnotherNamespace = "its PID cannot be seen from here: the proxy has to be in the host's PID namespace"
	errGone            = "the process that connected is gone: it has to live until the answer is there"
)

// Of returns the process that connected, or, where the connection was made from here, the one that listens. SO_PEERCRED
// is its number when it did so, and may be another process's by now. A pidfd cannot.
func Of(c *net.UnixConn) (*Process, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	p := &Process{}
	var cred *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		if cred, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); failed != nil {
			return
		}
		pidfd, missing := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, soPeerPidfd)
		if missing == nil {
			syscall.CloseOnExec(pidfd)
			p.fd = os.NewFile(uintptr(pidfd), "pidfd")
		} else if missing != syscall.ENOPROTOOPT {
			failed = missing
		}
	})
	if err == nil {
		err = failed
	}
	if err == nil && cred.Pid <= 0 {
		err = errors.New(inAnotherNamespace)
	}
	if err == nil {
		p.PID = int(cred.Pid)
		if p.Start, err = start(p.PID); err == nil {
			err = p.Check()
		}
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// ByPID is a process by its number alone.
func ByPID(pid int) (*Process, error) {
	s, err := start(pid)
	return &Process{PID: pid, Start: s}, err
}

// Check fails if the number is not that process's any more.
func (p *Process) Check() error {
	if p.fd != nil {
		info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", p.fd.Fd()))
		if err != nil {
			return err
		}
		if pid := field(info, "Pid:"); pid != strconv.Itoa(p.PID) {
			return errors.New(errGone)
		}
		if _, _, e := syscall.Syscall6(sysPidfdSendSignal, p.fd.Fd(), 0, 0, 0, 0, 0); e != 0 && e != syscall.EPERM {
			return errors.New(errGone)
		}
	}
	if now, err := start(p.PID); err != nil || now != p.Start {
		return errors.New(errGone)
	}
	return nil
}

// Close gives the pidfd back.
func (p *Process) Close() {
	if p != nil && p.fd != nil {
		p.fd.Close()
	}
}

// start is field 22 of stat, counted from the end of the name, which may hold anything.
func start(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", errors.New(errGone)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat: %q", pid, stat)
	}
	return fields[19], nil
}

func field(text []byte, name string) string {
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, name) {
			return strings.TrimSpace(line[len(name):])
		}
	}
	return ""
}

// View is a mount namespace and a root in it: two processes with the same one have the same names for all files.
type View struct {
	namespace, mount string
	dev, ino         uint64
}

// View looks the process's view up.
func (p *Process) View() (v View, err error) {
	proc := fmt.Sprintf("/proc/%d/", p.PID)
	if v.namespace, err = os.Readlink(proc + "ns/mnt"); err != nil {
		return v, err
	}
	fd, err := syscall.Open(proc+"root", openPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return v, &os.PathError{Op: "open", Path: proc + "root", Err: err}
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err = syscall.Fstat(fd, &st); err != nil {
		return v, err
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	v.dev, v.ino, v.mount = uint64(st.Dev), st.Ino, field(info, "mnt_id:")
	return v, err
}

var container = regexp.MustCompile(`[0-9a-f]{64}`)

// Owner stands for the container that the process is in: the outermost one that its cgroup names, whose processes
// cannot leave it, or else its mount namespace. 16 digits.
func (p *Process) Owner() (string, error) {
	proc := fmt.Sprintf("/proc/%d/", p.PID)
	cgroup, err := os.ReadFile(proc + "cgroup")
	if err != nil {
		return "", err
	}
	name := container.FindString(string(cgroup))
	if name == "" {
		if name, err = os.Readlink(proc + "ns/mnt"); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:16], nil
}
