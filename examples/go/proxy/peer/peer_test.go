package peer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestMain is also the process that connects: it does, and waits for its standard input to end.
func TestMain(m *testing.M) {
	if socket := os.Getenv("PEER_SOCKET"); socket != "" {
		c, err := net.Dial("unix", socket)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if os.Getenv("PEER_CHILD") != "" { // who connected ends, a child holds the connection
			f, _ := c.(*net.UnixConn).File()
			child := exec.Command("/bin/cat")
			child.Stdin, child.ExtraFiles = os.Stdin, []*os.File{f}
			child.Start()
			os.Exit(0)
		}
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func connect(t *testing.T, env string, namespaces uintptr) (*net.UnixConn, *exec.Cmd, func()) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, w, _ := os.Pipe()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.Stdin = append(os.Environ(), "PEER_SOCKET="+socket, env), r
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if namespaces != 0 && os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	}
	if err = cmd.Start(); err != nil {
		t.Skip("namespaces: ", err)
	}
	c, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	return c, cmd, func() { w.Close(); cmd.Wait(); c.Close() }
}

func TestPeer(t *testing.T) {
	c, cmd, end := connect(t, "", 0)
	p, err := Of(c)
	if err != nil || p.PID != cmd.Process.Pid || p.Check() != nil {
		t.Fatalf("%v, %v; wanted %d", p, err, cmd.Process.Pid)
	}
	if same, err := ByPID(p.PID); err != nil || same.String() != p.String() {
		t.Errorf("%v and %v, %v", same, p, err)
	}
	own, _ := ByPID(os.Getpid())
	theirs, err := p.View()
	mine, also := own.View()
	if err != nil || also != nil || mine != theirs {
		t.Errorf("one view is two: %v, %v, %v, %v", mine, theirs, err, also)
	}
	a, err := p.Owner()
	b, also := own.Owner()
	if err != nil || also != nil || a != b || len(a) != 16 {
		t.Errorf("owners: %q, %q, %v, %v", a, b, err, also)
	}
	end()
	if p.Check() == nil {
		t.Error("a process that is gone is still there")
	}
	// its number may be another process's by now, as that of this one
	p.PID = os.Getpid()
	if view, err := p.View(); err == nil {
		t.Errorf("the view of another process: %v", view)
	}
	p.Close()
}

func TestOtherNamespace(t *testing.T) {
	c, _, end := connect(t, "", syscall.CLONE_NEWNS)
	defer end()
	p, err := Of(c)
	if err != nil {
		t.Fatal(err)
	}
	own, _ := ByPID(os.Getpid())
	mine, _ := own.View()
	if theirs, err := p.View(); err != nil || theirs == mine {
		t.Errorf("two views are one: %v, %v", theirs, err)
	}
}

func TestConnectorIsGone(t *testing.T) {
	c, cmd, end := connect(t, "PEER_CHILD=1", 0)
	defer end()
	cmd.Process.Wait()
	if p, err := Of(c); err == nil {
		t.Errorf("%v is gone", p)
	}
}
