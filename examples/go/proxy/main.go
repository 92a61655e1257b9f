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
	mode := flag.String("mode", "0600", "its `MODE`")
	upstream := flag.String("daemon", "/var/run/docker.sock", "the engine's `SOCKET`")
	program := flag.String("dindbind", "dindbind", "the `PROGRAM`")
	engine := flag.Int("engine", 0, "the `PID` of the engine, if it is not the one that listens at its socket")
	base := flag.String("stage", "", "mount stages below `BASE`, which stages.sh has made, for runners that are not trusted")
	limit := flag.Int("limit", 512, "mounts below BASE for one container's siblings; eight times as many in all")
	self := flag.Bool("self", false, "this is a runner: serve what runs in it")
	flag.Parse()
	bits, err := strconv.ParseUint(*mode, 8, 9)
	if err != nil || flag.NArg() > 0 {
		return fmt.Errorf("-mode %s %q: a mode is an octal number, and there are no arguments besides options", *mode, flag.Args())
	}
	p := &proxy{daemon: newDaemon(*upstream), inside: *self, sweep: make(chan bool, 1)}
	if p.program, err = exec.LookPath(*program); err != nil {
		return err
	}
	own, err := peer.ByPID(os.Getpid())
	if err == nil {
		p.own, err = own.View()
	}
	if err == nil && *engine != 0 {
		p.daemon.fixed, err = peer.ByPID(*engine)
	}
	if err == nil && *base != "" {
		err = p.keepStages(*base, *socket, *limit)
	}
	if err != nil {
		return err
	}
	p.rest = httputil.ReverseProxy{
		Transport:     p.daemon.http.Transport,
		FlushInterval: -1,
		ErrorLog:      log.Default(),
		Director: func(r *http.Request) {
			outgoing(r)
			r.Header.Del("Upgrade") // what may become a stream has a row that says so
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			refuse(w, table.Refuse(http.StatusBadGateway, "%v", err))
		},
	}
	l, err := listen(*socket, os.FileMode(bits))
	if err != nil {
		return err
	}
	return p.run(l)
}

var plain = regexp.MustCompile(`^/[\w./-]+$`)

func (p *proxy) keepStages(base, socket string, limit int) error {
	if p.inside || !plain.MatchString(base) || base != filepath.Clean(base) {
		return fmt.Errorf("-stage %s: it takes an absolute path of letters, digits and . _ -, and no -self", base)
	}
	if socket != "" && strings.HasPrefix(base+"/", filepath.Dir(socket)+"/") {
		return fmt.Errorf("-stage %s: who has the directory of %s mounted would have the stages: take another place", base, socket)
	}
	p.stages = &stage.Store{Base: base, Dindbind: p.program, PerOwner: limit, All: 8 * limit,
		Engine: p.daemon.engine, Options: p.engineOption, Containers: p.daemon.reports()}
	if engine, err := p.daemon.engine(); err != nil {
		log.Printf("the engine is not there yet: %v", err)
	} else if err = p.stages.Prepared(engine); err != nil {
		return err
	}
	go func() {
		for range p.sweep {
			if err := p.stages.Sweep(context.Background()); err != nil {
				log.Printf("stages that no container has any more: %v", err)
			}
		}
	}()
	go p.daemon.destroyed(p.due)
	return nil
}

// run serves until a signal comes; requests that are being answered then have ten seconds.
func (p *proxy) run(l net.Listener) error {
	server := &http.Server{
		Handler:           p,
		ReadHeaderTimeout: 20 * time.Second,
		ErrorLog:          log.Default(),
		ConnContext:       func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, client{}, c) },
	}
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
	defer cancel()
	if server.Shutdown(ctx) != nil {
		log.Print("requests that did not end were cut off")
	}
	return nil
}

// listen makes the socket, over the one of a proxy that is gone, or takes it from systemd.
func listen(socket string, mode os.FileMode) (net.Listener, error) {
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) && os.Getenv("LISTEN_FDS") == "1" {
		return net.FileListener(os.NewFile(3, "LISTEN_FDS"))
	}
	if socket == "" {
		return nil, fmt.Errorf("-listen SOCKET is missing")
	}
	fresh := fmt.Sprintf("%s.%d", socket, os.Getpid())
	mask := syscall.Umask(0777)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	syscall.Umask(mask)
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(fresh, mode); err == nil {
		err = os.Rename(fresh, socket)
	}
	if err != nil {
		os.Remove(fresh)
	}
	return l, err
}

// listener knows who connects.
type listener struct {
	net.Listener
	p *proxy
}

type conn struct {
	*net.UnixConn
	peer *peer.Process
	err  error
}

// client is the key of a connection in the context of its requests.
type client struct{}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	unix, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("not a Unix socket")
	}
	served := &conn{UnixConn: unix}
	served.peer, err = peer.Of(unix)
	if err == nil && l.p.inside {
		err = l.p.within(served.peer)
	} else if err != nil && l.p.inside {
		err = errOutside
	}
	if err != nil {
		served.err = table.Refuse(http.StatusForbidden, "%v", err)
	}
	return served, nil
}

var errOutside = fmt.Errorf("this socket serves what runs beside its proxy, with the same files; a container that has it mounted needs " +
	"the socket of a proxy on the host, which serves everybody")

// within fails for a process that does not see the files that this one sees.
func (p *proxy) within(who *peer.Process) error {
	if view, err := who.View(); err != nil {
		return fmt.Errorf("what this process sees cannot be read: %v; run the proxy as root, or as its user", err)
	} else if view != p.own {
		return errOutside
	}
	return nil
}

func (c *conn) Close() error {
	c.peer.Close()
	return c.UnixConn.Close()
}
