package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"dindbind.example/proxy/peer"
)

// daemon is the engine's socket.
type daemon struct {
	socket string
	fixed  *peer.Process // -engine
	http   http.Client
}

func newDaemon(socket string) *daemon {
	d := &daemon{socket: socket}
	// no timeouts: a `docker wait` may take days
	d.http.Transport = &http.Transport{DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return d.dial() }}
	return d
}

func (d *daemon) dial() (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: d.socket, Net: "unix"})
}

// engine is the process that mounts what a container gets. It is looked up each time, for a daemon may be restarted.
// Where systemd listens for the daemon it is systemd, which has the same mounts; -engine says otherwise.
func (d *daemon) engine() (*peer.Process, error) {
	if d.fixed != nil {
		if d.fixed.Check() != nil {
			return nil, fmt.Errorf("-engine %d: this process is gone", d.fixed.PID)
		}
		return d.fixed, nil
	}
	c, err := d.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p, err := peer.Of(c)
	if err != nil {
		return nil, fmt.Errorf("the process that listens at %s: %w; name the daemon's PID with -engine", d.socket, err)
	}
	p.Close() // whoever uses the number has the start time beside it
	return p, nil
}

// errMissing is the daemon's 404.
var errMissing = errors.New("not there")

// get reads an answer, and what `into` wants of its JSON.
func (d *daemon) get(ctx context.Context, into any, format string, words ...any) ([]byte, error) {
	path := fmt.Sprintf(format, words...)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusNotFound:
		err = errMissing
	case resp.StatusCode != http.StatusOK:
		err = fmt.Errorf("the daemon answers %s with %d: %.200s", path, resp.StatusCode, text)
	case into != nil:
		err = json.Unmarshal(text, into)
	}
	return text, err
}

// list has the IDs of all containers, or of those that run.
func (d *daemon) list(ctx context.Context, all int) (ids []string, err error) {
	var list []struct{ Id string }
	_, err = d.get(ctx, &list, "/containers/json?all=%d", all)
	for _, c := range list {
		ids = append(ids, c.Id)
	}
	return ids, err
}

// reports is what the daemon has to say of each of its containers.
func (d *daemon) reports(ctx context.Context) (all [][]byte, err error) {
	ids, err := d.list(ctx, 1)
	for _, id := range ids {
		report, err := d.get(ctx, nil, "/containers/%s/json", id)
		if err != nil && err != errMissing {
			return nil, err
		}
		all = append(all, report)
	}
	return all, err
}

// destroyed calls `then` when it starts to listen, and for each container that is removed, for ever.
func (d *daemon) destroyed(then func()) {
	filters := url.QueryEscape(`{"type":["container"],"event":["destroy","remove"]}`)
	for ; ; time.Sleep(time.Second) {
		if resp, err := d.http.Get("http://docker/events?filters=" + filters); err == nil {
			events := json.NewDecoder(resp.Body)
			for event := json.RawMessage(nil); err == nil; err = events.Decode(&event) {
				then()
			}
			resp.Body.Close()
		}
	}
}

// ---- In the runner: who this container is to the daemon -----------------------------------------------

var errNotMine = errors.New("this daemon does not run this container, so that no file of this container has a name there: " +
	"take the daemon that runs it, or mount volumes by name")

// whoami returns the daemon's inspect of this container, and its root where dindbind cannot be sure of that. A file that is
// made here has to come back from the container: an ID that was found somewhere proves nothing, and this daemon may be
// another one than at the last request.
func (d *daemon) whoami(ctx context.Context) (inspect []byte, root string, err error) {
	candidates, err := d.candidates(ctx)
	if err != nil {
		return nil, "", err
	}
	cwd, _ := os.Getwd()
	for _, dir := range []string{"/", "/var/tmp", "/tmp", cwd} {
		nonce, err := os.CreateTemp(dir, ".dindbind-")
		if err != nil {
			continue
		}
		defer os.Remove(nonce.Name())
		defer nonce.Close()
		word, err := os.ReadFile("/proc/sys/kernel/random/uuid")
		if err == nil {
			_, err = nonce.Write(word)
		}
		for _, id := range candidates {
			archive, missing := d.get(ctx, nil, "/containers/%s/archive?path=%s", id, url.QueryEscape(nonce.Name()))
			if err == nil && missing == nil && bytes.Contains(archive, word) {
				return d.describe(ctx, id)
			}
		}
	}
	return nil, "", errNotMine
}

var ownFile = regexp.MustCompile(`/containers/([0-9a-f]{64})/hostname `)

// candidates are the IDs in the places of an engine's own files, which are another container's where the network is joined;
// the host name; all that run.
func (d *daemon) candidates(ctx context.Context) (ids []string, err error) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for _, found := range ownFile.FindAllSubmatch(mounts, -1) {
		ids = append(ids, string(found[1]))
	}
	name, _ := os.Hostname()
	running, err := d.list(ctx, 0)
	return append(append(ids, url.PathEscape(name)), running...), err
}

func (d *daemon) describe(ctx context.Context, id string) (inspect []byte, root string, err error) {
	var c struct {
		Id, Driver  string
		GraphDriver struct{ Data struct{ MergedDir string } }
	}
	var info struct {
		DockerRootDir string
		DriverStatus  any
	}
	if _, err = d.get(ctx, &info, "/info"); err == nil {
		inspect, err = d.get(ctx, &c, "/containers/%s/json", id)
	}
	if bytes.Contains([]byte(fmt.Sprint(info.DriverStatus)), []byte("io.containerd.snapshotter")) {
		root = filepath.Join(info.DockerRootDir, "rootfs", c.Driver, c.Id)
	} else if c.Driver == "fuse-overlayfs" {
		root = c.GraphDriver.Data.MergedDir
	}
	return inspect, root, err
}
