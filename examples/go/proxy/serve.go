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
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"
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
}

const (
	longest = 4 << 20          // bytes of a body that is looked at
	patient = 30 * time.Second // for dindbind, which a runner's file system may keep waiting
)

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(client{}).(*conn)
	action, err := table.Judge(r)
	if c.err != nil {
		err = c.err
	}
	if err == nil {
		switch action {
		case "create", "volume":
			err = p.body(w, r, c.peer, action)
		case "stream":
			err = p.stream(w, r)
		default:
			p.rest.ServeHTTP(w, r)
		}
	}
	if err != nil {
		log.Printf("%v: %s %q: refused: %v", c.peer, r.Method, r.URL.Path, err)
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

// ---- Bodies -------------------------------------------------------------------------------------------

// body has a body looked at, and translated unless the peer has the engine's own names.
func (p *proxy) body(w http.ResponseWriter, r *http.Request, who *peer.Process, action string) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, longest+1))
	if err != nil {
		return table.Refuse(http.StatusBadRequest, "the body: %v", err)
	}
	if len(body) > longest {
		return table.Refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", longest)
	}
	args, err := p.options(who)
	if err != nil {
		return err
	}
	answer := body
	switch {
	case args == nil:
	case action == "volume":
		err = p.volume(r.Context(), who, body)
	default:
		var dir string
		if answer, dir, err = p.create(r.Context(), who, args, body); dir != "" {
			defer p.settle(dir)
		}
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(answer, body) {
		log.Printf("%v: %s %q: translated", who, r.Method, r.URL.Path)
	}
	return p.forward(w, r, answer)
}

// forward sends a body that was read. The client's context ends when the client goes away; the container may be made all the
// same, so that the answer is waited for.
func (p *proxy) forward(w http.ResponseWriter, r *http.Request, body []byte) error {
	out := r.Clone(context.Background())
	outgoing(out)
	out.RequestURI, out.Body, out.ContentLength, out.TransferEncoding = "", io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	resp, err := p.daemon.http.Do(out)
	if err != nil {
		return table.Refuse(http.StatusBadGateway, "%v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, longest))
	if err != nil {
		return table.Refuse(http.StatusBadGateway, "the daemon's answer: %v", err)
	}
	answer(w, resp)
	w.Write(text)
	return nil
}

func answer(w http.ResponseWriter, resp *http.Response) {
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
}

// options says to dindbind whose names the peer's are; nil: the engine's own.
func (p *proxy) options(who *peer.Process) ([]string, error) {
	if p.inside {
		return []string{"-S"}, nil
	}
	theirs, err := who.View()
	if err != nil {
		return nil, table.Refuse(http.StatusForbidden, "what this process sees cannot be read: %v", err)
	}
	engine, err := p.daemon.engine()
	if err != nil {
		return nil, err
	}
	view, err := engine.View()
	if err != nil || view == theirs {
		return nil, err
	}
	return append([]string{"-p", who.String()}, p.engineOption(engine)...), nil
}

// engineOption is -E, for an engine in other mounts.
func (p *proxy) engineOption(engine *peer.Process) []string {
	if view, err := engine.View(); err == nil && view == p.own {
		return nil
	}
	return []string{"-E", engine.String()}
}

// nothing is a view in which no name means anything.
var nothing = []string{"-b", "/dev/null:/dev/null/none"}

// create translates a container-create body, and makes its stage.
func (p *proxy) create(ctx context.Context, who *peer.Process, args []string, body []byte) (out []byte, dir string, err error) {
	if err = table.Create(body); err != nil {
		return nil, "", err
	}
	var inspect []byte
	notMine := false
	if p.inside {
		var root string
		inspect, root, err = p.daemon.whoami(ctx)
		notMine = err == errNotMine
		switch {
		case notMine:
			args = nothing
		case err != nil:
			return nil, "", err
		case root != "":
			args = append(args, "-m", "-r", "/proc/self/fd/3", "-b", root+":/")
		default:
			args = append(args, "-m", "-r", "/proc/self/fd/3")
		}
	} else {
		args = append(args, "-m")
	}
	owner := ""
	if p.stages != nil {
		if owner, err = who.Owner(); err == nil {
			dir, err = p.stages.New(owner)
		}
		if err != nil {
			return nil, "", err
		}
		args = append(args, "-s", dir)
	}
	out, ended, err := p.dindbind(ctx, who, append(args, "-c"), inspect, body)
	if err == nil && dir != "" {
		err = p.stages.Full(owner)
	}
	if err != nil && dir != "" { // not before dindbind is gone
		go func(dir string) { <-ended; p.settle(dir) }(dir)
		dir = ""
	}
	if err != nil && notMine {
		err = table.Refuse(http.StatusBadRequest, "%v (%v)", errNotMine, err)
	}
	return out, dir, err
}

// volume lets pass what has no directory of the host.
func (p *proxy) volume(ctx context.Context, who *peer.Process, body []byte) error {
	container, err := table.Volume(body)
	if err != nil {
		return err
	}
	if _, _, err = p.dindbind(ctx, who, append(nothing, "-c"), nil, container); err != nil {
		return table.Refuse(http.StatusForbidden, "a volume of directories of the host does not pass, for it would outlive who asks; mount the directory itself: %v", err)
	}
	return nil
}

// dindbind runs it: a description is its descriptor 3. `ended` is closed when it is gone, which may be after the answer:
// a file system of the runner's may hold it although it is killed.
func (p *proxy) dindbind(ctx context.Context, who *peer.Process, args []string, description, body []byte) (_ []byte, ended chan struct{}, err error) {
	ctx, cancel := context.WithTimeout(ctx, patient)
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, p.program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(body), &out, &said
	ended = make(chan struct{})
	go func() {
		defer cancel()
		defer close(ended)
		err = run(cmd, description)
	}()
	<-ctx.Done() // also when it has ended
	select {
	case <-ended:
	case <-time.After(time.Second):
		return nil, ended, table.Refuse(http.StatusGatewayTimeout, "a file system of this process does not answer")
	}
	if gone := who.Check(); gone != nil {
		return nil, ended, table.Refuse(http.StatusForbidden, "%v", gone)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		message := strings.TrimSpace(said.String())
		if exit.ExitCode() == 1 {
			return nil, ended, table.Refuse(http.StatusBadRequest, "%s", message)
		}
		return nil, ended, fmt.Errorf("%s: %v: %s", p.program, err, message)
	}
	return out.Bytes(), ended, err
}

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
	up, err := p.daemon.dial()
	if err != nil {
		return table.Refuse(http.StatusBadGateway, "%v", err)
	}
	defer up.Close()
	out := r.Clone(r.Context())
	outgoing(out)
	if err = out.Write(up); err != nil {
		return table.Refuse(http.StatusBadGateway, "%v", err)
	}
	in := bufio.NewReader(up)
	resp, err := http.ReadResponse(in, out)
	if err != nil {
		return table.Refuse(http.StatusBadGateway, "%v", err)
	}
	defer resp.Body.Close()
	// without an Upgrade in the request the stream follows a 200 that has no length
	if resp.StatusCode != http.StatusSwitchingProtocols &&
		(resp.StatusCode != http.StatusOK || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0) {
		answer(w, resp)
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
	half(down.(*conn), in)
	<-done
	return nil
}

type writer interface {
	io.WriteCloser
	CloseWrite() error
}

// half copies one direction to its end.
func half(to writer, from io.Reader) {
	if _, err := io.Copy(to, from); err != nil || to.CloseWrite() != nil {
		to.Close()
	}
}
