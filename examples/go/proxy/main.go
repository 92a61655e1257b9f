// Proxy is a docker socket for runners: what they mount is translated by dindbind, and all else passes or is refused.
//
// SPDX-License-Identifier: 0BSD
//
//	proxy -listen /run/dindbind/docker.sock     on the host: each process that connects has its own names for files
//	proxy -self -listen /tmp/docker.sock        in a runner, for what runs in it
//
// README.md has the recipes, and table/table.txt has what passes.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"dindbind.example/proxy/peer"
	"dindbind.example/proxy/stage"
	"dindbind.example/proxy/table"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("dindbind proxy: ")
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	socket := flag.String("listen", "", "the `SOCKET` to make; not needed if systemd made it")
	mode := flag.String("mode", "0600", "the `MODE` of that socket")
	upstream := flag.String("daemon", "/var/run/docker.sock", "the engine's `SOCKET`")
	program := flag.String("dindbind", "dindbind", "the `PROGRAM` that translates")
	engine := flag.String("engine", "", "the `PID` of the engine, or its pidfile, if it is not the process that listens at its socket")
	base := flag.String("stage", "", "mount stages below `BASE`, which stages.sh has made, for runners that are not trusted")
	limit := flag.Int("limit", 512, "mounts below BASE for one container's siblings; eight times as many in all")
	self := flag.Bool("self", false, "this is a runner: serve what runs in it")
	flag.Parse()
	bits, err := strconv.ParseUint(*mode, 8, 9)
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("%s: there are no arguments besides options", flag.Arg(0))
	case err != nil:
		return fmt.Errorf("-mode %s: it takes an octal number", *mode)
	case *socket == *upstream:
		return fmt.Errorf("-listen %s: this is the engine's own socket", *socket)
	case *self && *engine+*base != "":
		return fmt.Errorf("-self takes no -engine and no -stage: it asks the engine for its own names")
	}
	p := &proxy{inside: *self, sweep: make(chan bool, 1), running: map[string]int{}}
	if p.daemon, err = newDaemon(*upstream, *engine); err != nil {
		return fmt.Errorf("-engine %s: there is no such process", *engine)
	}
	p.rest = httputil.ReverseProxy{Transport: p.daemon.http.Transport, FlushInterval: -1, Director: outgoing,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, broken(err)) }}
	if p.program, err = exec.LookPath(*program); err != nil {
		return err
	}
	own, err := peer.ByPID(os.Getpid())
	if err == nil {
		p.own, err = own.View()
	}
	if _, down := p.daemon.engine(); err == nil && down != nil && !p.inside {
		log.Printf("the engine is not there yet: %v", down)
	}
	if err == nil && *base != "" {
		err = p.keepStages(*base, *socket, *limit)
	}
	if err != nil {
		return err
	}
	l, err := listen(*socket, int(bits))
	if err != nil {
		return err
	}
	return p.run(l)
}

var plain = regexp.MustCompile(`^/[\w./-]+$`)

func (p *proxy) keepStages(base, socket string, limit int) error {
	if !plain.MatchString(base) || base != filepath.Clean(base) || limit < 1 {
		return fmt.Errorf("-stage %s -limit %d: it takes an absolute path of letters, digits and . _ -, and a limit of 1 or more", base, limit)
	}
	if socket != "" && strings.HasPrefix(base+"/", strings.TrimSuffix(filepath.Dir(socket), "/")+"/") {
		return fmt.Errorf("-stage %s: who has the directory of %s mounted would have the stages: take another place", base, socket)
	}
	p.stages = &stage.Store{Base: base, Dindbind: p.program, PerOwner: limit, All: 8 * limit,
		Engine: p.daemon.engine, Options: p.engineOption, Sources: p.daemon.sources}
	if engine, down := p.daemon.engine(); down == nil {
		if err := p.stages.Prepared(engine); err != nil {
			return err
		}
	}
	go func() {
		for again := time.Tick(time.Minute); ; {
			select {
			case <-p.sweep:
			case <-again: // what could not be taken down the last time
			}
			if err := p.stages.Sweep(context.Background()); err != nil {
				log.Printf("stages that no container has any more: %v", err)
			}
		}
	}()
	go p.daemon.destroyed(p.due)
	return nil
}

// run serves until a signal comes; what is being answered then has ten seconds.
func (p *proxy) run(l *net.UnixListener) error {
	server := &http.Server{Handler: p, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 5 * time.Minute,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, client{}, c) }}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(&listener{l, p}) }()
	select {
	case err := <-ended:
		return err
	case <-stop:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	go func() {
		defer cancel()
		if server.Shutdown(ctx) == nil {
			p.streams.Wait() // which Shutdown does not know
		}
	}()
	<-ctx.Done()
	if ctx.Err() == context.DeadlineExceeded {
		log.Print("requests that did not end were cut off")
	}
	return nil
}

// listen makes the socket, over the one of a proxy that is gone, or takes it from systemd.
func listen(socket string, mode int) (*net.UnixListener, error) {
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) && os.Getenv("LISTEN_FDS") == "1" {
		os.Unsetenv("LISTEN_PID")
		os.Unsetenv("LISTEN_FDS")
		f := os.NewFile(3, "LISTEN_FDS")
		defer f.Close()
		l, err := net.FileListener(f)
		if unix, ok := l.(*net.UnixListener); ok {
			return unix, nil
		}
		return nil, fmt.Errorf("what systemd listens at is no Unix socket: %v, %v", l, err)
	}
	if socket == "" {
		return nil, fmt.Errorf("-listen SOCKET is missing")
	}
	if c, err := net.Dial("unix", socket); err == nil {
		c.Close()
		return nil, fmt.Errorf("-listen %s: somebody listens there already", socket)
	}
	fresh := fmt.Sprintf("%s.%d", socket, os.Getpid())
	mask := syscall.Umask(0777 &^ mode)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	syscall.Umask(mask)
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Rename(fresh, socket); err != nil {
		os.Remove(fresh)
	}
	return l, err
}

// listener knows who connects.
type listener struct {
	*net.UnixListener
	p *proxy
}

type conn struct {
	*net.UnixConn
	peer  *peer.Process
	err   error  // what all its requests get
	close func() // once
}

// client is the key of a connection in the context of its requests.
type client struct{}

func (l *listener) Accept() (net.Conn, error) {
	for {
		unix, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		c := &conn{UnixConn: unix}
		owner := ""
		if c.peer, err = peer.Of(unix); err == nil {
			owner, err = c.peer.Owner()
		}
		if l.p.inside {
			c.err = l.p.within(c.peer)
		} else if err != nil {
			c.err = table.Refuse(http.StatusForbidden, "%v", err)
		}
		n := l.p.more(owner, 1)
		var once sync.Once
		c.close = func() { once.Do(func() { l.p.more(owner, -1); c.peer.Close() }) }
		if n <= conns {
			return c, nil
		}
		log.Printf("%v: closed: this container has %d connections", c.peer, conns)
		c.Close()
	}
}

// within fails for a process that does not see the files that this one sees.
func (p *proxy) within(who *peer.Process) error {
	view, err := who.View()
	if os.IsPermission(err) {
		return table.Refuse(http.StatusForbidden, "the proxy may not look at this process: run it as the same user, or as root")
	} else if err != nil || view != p.own {
		return table.Refuse(http.StatusForbidden, "this socket serves what runs beside its proxy and sees the same files; a container that has "+
			"it mounted needs the socket of a proxy on the host, which serves everybody")
	}
	return nil
}

func (c *conn) Close() error {
	c.close()
	return c.UnixConn.Close()
}
