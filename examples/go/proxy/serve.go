package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"dindbind.example/proxy/peer"
	"dindbind.example/proxy/stage"
	"dindbind.example/proxy/table"
)

// proxy is a handler for all requests.
type proxy struct {
	daemon  *daemon
	own     peer.View // of this process, and so of dindbind
	inside  bool      // -self
	program string    // dindbind
	stages  *stage.Store
	sweep   chan bool // one is due
	rest    httputil.ReverseProxy
	streams sync.WaitGroup
	mutex   sync.Mutex
	running map[string]int // what is going on, by container
}

const (
	calls   = 16               // bodies, and runs of dindbind, for one container at the same time
	conns   = 512              // of one container
	longest = 4 << 20          // bytes of a body that is looked at
	patient = 30 * time.Second // for a body, and for dindbind, which a runner's file system may keep waiting
)

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(client{}).(*conn)
	action, err := table.Judge(r)
	if c.err != nil {
		err = c.err
	}
	if err == nil {
		switch action {
		case "create", "volume", "network":
			err = p.body(w, r, c, action)
		case "stream":
			err = p.stream(w, r)
		default:
			r.Header.Del("Upgrade") // what may become a stream has a row that says so
			p.rest.ServeHTTP(w, r)
		}
	}
	if err != nil {
		log.Printf("%v: %s %q: refused: %s", c.peer, r.Method, r.URL.Path, strings.ReplaceAll(err.Error(), "\n", "; "))
		refuse(w, err)
	}
}

// refuse answers as the daemon does, so that every client shows the text.
func refuse(w http.ResponseWriter, err error) {
	refusal := &table.Refusal{Status: http.StatusInternalServerError, Message: err.Error()}
	errors.As(err, &refusal)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	text := strings.TrimPrefix(refusal.Message, "dindbind: ")
	json.NewEncoder(w).Encode(map[string]string{"message": "dindbind: " + text})
}

// outgoing is a request as it was parsed, for the daemon.
func outgoing(r *http.Request) {
	r.URL.Scheme, r.URL.Host, r.URL.RawPath, r.Host = "http", "docker", "", "docker"
	r.Header["X-Forwarded-For"] = nil // to ReverseProxy: do not add it
	r.Header.Del("Expect")            // answered here
}

// broken is what a client gets when the engine's socket fails.
func broken(err error) error { return table.Refuse(http.StatusBadGateway, "%v", err) }

// ---- Bodies -------------------------------------------------------------------------------------------

// body has a body looked at, and translated unless the peer has the engine's own names.
func (p *proxy) body(w http.ResponseWriter, r *http.Request, c *conn, action string) error {
	who := c.peer
	ctx, cancel := context.WithTimeout(r.Context(), patient)
	defer cancel()
	owner, err := p.turn(ctx, who, "body")
	if err != nil {
		return err
	}
	defer p.more(owner, -1)
	c.SetReadDeadline(time.Now().Add(patient))
	body, err := io.ReadAll(io.LimitReader(r.Body, longest+1))
	c.SetReadDeadline(time.Time{})
	if err != nil {
		return table.Refuse(http.StatusBadRequest, "the body: %v", err)
	}
	if len(body) > longest {
		return table.Refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", longest)
	}
	own, args, inspect, err := p.names(r.Context(), who)
	if err == nil && !own {
		given, dir := body, ""
		switch action {
		case "network":
			err = table.Look("network", body)
		case "volume":
			body, err = p.volume(r.Context(), who, body)
		default:
			if body, dir, err = p.create(r.Context(), who, args, inspect, body); dir != "" {
				defer p.settle(dir)
			}
		}
		if err == nil && action == "create" && !bytes.Equal(given, body) {
			log.Printf("%v: %s %q: translated", who, r.Method, r.URL.Path)
		}
	}
	if err != nil {
		return err
	}
	// Not in the client's context, which ends when the client goes away: the container may be made all the same, and the answer
	// says so.
	out := r.Clone(context.Background())
	out.Body, out.ContentLength, out.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	out.Header.Del("Upgrade")
	p.rest.ServeHTTP(struct{ http.ResponseWriter }{w}, out)
	return nil
}

// nothing is a view in which no name means anything.
var nothing = []string{"-b", "/dev/null:/dev/null/none"}

// names says whether the peer's names are the engine's own; else it says to dindbind whose they are, with a description for
// its descriptor 3.
func (p *proxy) names(ctx context.Context, who *peer.Process) (own bool, args []string, inspect []byte, err error) {
	if p.inside {
		inspect, root, err := p.daemon.whoami(ctx)
		args = []string{"-S", "-m", "-r", "/proc/self/fd/3"}
		if root != "" {
			args = append(args, "-b", root+":/")
		}
		if err == errNotMine {
			return false, nothing, nil, nil
		}
		return false, args, inspect, err
	}
	theirs, err := who.View()
	if err != nil {
		return false, nil, nil, table.Refuse(http.StatusForbidden, "what this process sees cannot be read: %v", err)
	}
	engine, err := p.daemon.engine()
	if err != nil {
		return false, nil, nil, err
	}
	view, err := engine.View()
	return view == theirs, append(p.engineOption(engine), "-m", "-p", who.String()), nil, err
}

// engineOption is -E, for an engine in other mounts than this process.
func (p *proxy) engineOption(engine *peer.Process) []string {
	if view, err := engine.View(); err == nil && view == p.own {
		return nil
	}
	return []string{"-E", engine.String()}
}

// create translates a container-create body, and makes its stage.
func (p *proxy) create(ctx context.Context, who *peer.Process, args []string, inspect, body []byte) (_ []byte, dir string, err error) {
	owner := ""
	if err = table.Look("create", body); err == nil && p.stages != nil {
		err = table.Look("stage", body)
	}
	if err != nil {
		return nil, "", err
	}
	if p.stages != nil {
		if owner, err = who.Owner(); err == nil {
			dir, err = p.stages.New(owner)
		}
		if err != nil {
			return nil, "", err
		}
		args = append(args, "-s", dir)
	}
	out, ended, err := p.dindbind(ctx, who, args, inspect, body)
	if err == nil && dir != "" {
		err = p.stages.Full(owner)
	}
	if err != nil && dir != "" { // not before dindbind is gone
		go func(dir string) { <-ended; p.settle(dir) }(dir)
		dir = ""
	}
	if refusal := (*table.Refusal)(nil); errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest && p.inside && inspect == nil {
		refusal.Message = errNotMine.Error()
	}
	return out, dir, err
}

// volume lets pass what has no directory of the host.
func (p *proxy) volume(ctx context.Context, who *peer.Process, body []byte) ([]byte, error) {
	volume, container, err := table.Volume(body)
	if err == nil {
		var refusal *table.Refusal
		_, _, err = p.dindbind(ctx, who, nothing, nil, container)
		if errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest {
			err = table.ErrVolume
		}
	}
	return volume, err
}

// dindbind runs it. `ended` is closed when it is gone, which may be after the answer: a file system of the runner's may hold it
// although it is killed.
func (p *proxy) dindbind(ctx context.Context, who *peer.Process, args []string, description, body []byte) ([]byte, chan struct{}, error) {
	ended := make(chan struct{})
	ctx, cancel := context.WithTimeout(ctx, patient)
	owner, err := p.turn(ctx, who, "dindbind")
	if err != nil {
		cancel()
		close(ended)
		return nil, ended, err
	}
	var out, said bytes.Buffer
	var failed error
	cmd := exec.CommandContext(ctx, p.program, append(append([]string{}, args...), "-c")...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(body), &out, &said
	go func() {
		failed = run(cmd, description)
		p.more(owner, -1)
		close(ended)
		cancel()
	}()
	<-ctx.Done()
	select {
	case <-ended:
	case <-time.After(time.Second):
		return nil, ended, table.Refuse(http.StatusGatewayTimeout, "a file system of this process does not answer")
	}
	if err := who.Check(); err != nil {
		return nil, ended, table.Refuse(http.StatusForbidden, "%v", err)
	}
	var exit *exec.ExitError
	if errors.As(failed, &exit) && exit.ExitCode() == 1 {
		return nil, ended, table.Refuse(http.StatusBadRequest, "%s", bytes.TrimSpace(said.Bytes()))
	} else if failed != nil {
		return nil, ended, fmt.Errorf("%s: %w: %s", p.program, failed, bytes.TrimSpace(said.Bytes()))
	}
	return out.Bytes(), ended, nil
}

// turn waits until less than enough is going on for a container. What it returns is counted until more(it, -1).
func (p *proxy) turn(ctx context.Context, who *peer.Process, what string) (string, error) {
	owner, err := who.Owner()
	if err != nil {
		return "", table.Refuse(http.StatusForbidden, "%v", err)
	}
	owner = what + " " + owner
	for err == nil && p.more(owner, 1) > calls {
		p.more(owner, -1)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			err = table.Refuse(http.StatusTooManyRequests, "%d requests of this container are not answered yet: try again when one is", calls)
		}
	}
	return owner, err
}

// more counts, for containers.
func (p *proxy) more(owner string, n int) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.running[owner] += n
	now := p.running[owner]
	if now == 0 {
		delete(p.running, owner)
	}
	return now
}

// run gives a program a description as its descriptor 3.
func run(cmd *exec.Cmd, description []byte) error {
	if description != nil {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		cmd.ExtraFiles = []*os.File{r}
		go func() {
			w.Write(description)
			w.Close()
		}()
	}
	return cmd.Run()
}

func (p *proxy) settle(dir string) {
	p.stages.Done(dir)
	p.due()
}

// due asks for a sweep; one that is due already will do.
func (p *proxy) due() {
	select {
	case p.sweep <- true:
	default:
	}
}

// ---- Streams ------------------------------------------------------------------------------------------

// stream hands the connection to the daemon. Either side may end its half first: a client without input does so at once, and
// httputil.ReverseProxy takes that for the end of all.
func (p *proxy) stream(w http.ResponseWriter, r *http.Request) error {
	p.streams.Add(1)
	defer p.streams.Done()
	up, err := p.daemon.dial()
	if err != nil {
		return broken(err)
	}
	defer up.Close()
	out := r.Clone(r.Context())
	outgoing(out)
	if r.ContentLength > 0 { // in one piece: what comes after the head may be taken for the stream
		body, err := io.ReadAll(io.LimitReader(r.Body, longest))
		if err != nil {
			return table.Refuse(http.StatusBadRequest, "the body: %v", err)
		}
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if err = out.Write(up); err != nil {
		return broken(err)
	}
	in := bufio.NewReader(up)
	resp, err := http.ReadResponse(in, out)
	if err != nil {
		return broken(err)
	}
	defer resp.Body.Close()
	// without an Upgrade in the request the stream follows a 200 that has no length
	if resp.StatusCode != http.StatusSwitchingProtocols &&
		(resp.StatusCode != http.StatusOK || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0) {
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		return nil
	}
	down, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return err
	}
	defer down.Close()
	fmt.Fprintf(down, "HTTP/1.1 %s\r\n", resp.Status)
	resp.Header.Write(down)
	io.WriteString(down, "\r\n")
	done := make(chan bool)
	go func() {
		half(up, buffered.Reader)
		done <- true
	}()
	half(down.(*conn).UnixConn, in)
	<-done
	return nil
}

// half copies one direction to its end.
func half(to *net.UnixConn, from io.Reader) {
	if _, err := io.Copy(to, from); err != nil || to.CloseWrite() != nil {
		to.Close()
	}
}
