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
	"strconv"
	"strings"
	"time"

	"dindbind.example/proxy/peer"
)

// daemon is the engine's socket.
type daemon struct {
	socket  string
	pidfile string        // -engine FILE
	fixed   *peer.Process // -engine PID
	http    http.Client
}

func newDaemon(socket, engine string) (d *daemon, err error) {
	d = &daemon{socket: socket, pidfile: engine}
	if pid, no := strconv.Atoi(engine); no == nil {
		d.fixed, err = peer.ByPID(pid)
	}
	// no timeouts: a `docker wait` may take days
	d.http.Transport = &http.Transport{DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return d.dial() }}
	return d, err
}

func (d *daemon) dial() (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: d.socket, Net: "unix"})
}

// engine is the process that mounts what a container gets. It is looked up each time, for a daemon may be restarted.
// Where systemd listens for the daemon it is systemd, which has the same mounts; -engine says otherwise.
func (d *daemon) engine() (*peer.Process, error) {
	if d.fixed != nil {
		if d.fixed.Check() != nil {
			return nil, fmt.Errorf("-engine %d: this process is gone; a daemon that is restarted has a pidfile to name", d.fixed.PID)
		}
		return d.fixed, nil
	}
	if d.pidfile != "" {
		text, err := os.ReadFile(d.pidfile)
		if err != nil {
			return nil, err
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		p, err := peer.ByPID(pid)
		if err != nil {
			err = fmt.Errorf("-engine %s: it has %q, and there is no such process", d.pidfile, text)
		}
		return p, err
	}
	c, err := d.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p, err := peer.Of(c)
	p.Close() // whoever uses the number has the start time beside it
	if err != nil {
		return nil, fmt.Errorf("the process that listens at %s: %w; name the engine's PID or pidfile with -engine", d.socket, err)
	}
	return p, nil
}

// errMissing is the daemon's 404.
var errMissing = errors.New("not there")

// open asks for something that has 200 as an answer.
func (d *daemon) open(ctx context.Context, format string, words ...any) (io.ReadCloser, error) {
	path := fmt.Sprintf(format, words...)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := d.http.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
	if resp.StatusCode == http.StatusNotFound {
		return nil, errMissing
	}
	return nil, fmt.Errorf("the engine answers %s with %d: %s", path, resp.StatusCode, text)
}

// get reads an answer, and what `into` wants of its JSON.
func (d *daemon) get(ctx context.Context, into any, format string, words ...any) ([]byte, error) {
	body, err := d.open(ctx, format, words...)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err == nil && into != nil {
		err = json.Unmarshal(text, into)
	}
	return text, err
}

// list has the IDs of all containers, or of those that run. One at a time is read: their labels may be long.
func (d *daemon) list(ctx context.Context, all int) (ids []string, err error) {
	body, err := d.open(ctx, "/containers/json?all=%d", all)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	in := json.NewDecoder(body)
	for _, err = in.Token(); err == nil && in.More(); {
		var c struct{ Id string }
		err = in.Decode(&c)
		ids = append(ids, c.Id)
	}
	if err == nil {
		_, err = in.Token() // the end: what is cut off is not all
	}
	return ids, err
}

// sources are all places of the host that containers mount.
func (d *daemon) sources(ctx context.Context) (all []string, err error) {
	ids, err := d.list(ctx, 1)
	for _, id := range ids {
		type mount struct {
			Source        string
			VolumeOptions struct {
				DriverConfig struct{ Options struct{ Device string } }
			}
		}
		var c struct {
			Mounts     []mount
			HostConfig struct {
				Binds  []string
				Mounts []mount
			}
		}
		if _, err := d.get(ctx, &c, "/containers/%s/json", id); err != nil && err != errMissing {
			return nil, err
		}
		for _, bind := range c.HostConfig.Binds {
			source, _, _ := strings.Cut(bind, ":")
			all = append(all, source)
		}
		for _, m := range append(c.Mounts, c.HostConfig.Mounts...) {
			all = append(all, m.Source, m.VolumeOptions.DriverConfig.Options.Device)
		}
	}
	return all, err
}

// destroyed calls `then` for each container that is removed, and when it begins to listen, for ever.
func (d *daemon) destroyed(then func()) {
	filters := url.QueryEscape(`{"type":["container"],"event":["destroy","remove"]}`)
	for ; ; time.Sleep(time.Second) {
		body, err := d.open(context.Background(), "/events?filters=%s", filters)
		if err != nil {
			continue
		}
		events := json.NewDecoder(body)
		for err == nil {
			then()
			err = events.Decode(&struct{}{})
		}
		body.Close()
	}
}

// ---- In the runner: who this container is to the daemon -----------------------------------------------

var errNotMine = errors.New("this engine does not run this container, or no file can be made on the root file system of this container (in " +
	"/, /var/tmp, /tmp) to show that it does; only volumes can be mounted, by name")

// whoami returns the daemon's inspect of this container, and its root where dindbind cannot be sure of that. A file that is
// made here, on the root file system, which no other container has, has to come back: an ID that was found somewhere proves
// nothing, and this engine may be another one than at the last request.
func (d *daemon) whoami(ctx context.Context) (inspect []byte, place string, err error) {
	candidates, err := d.list(ctx, 0)
	if err != nil {
		return nil, "", err
	}
	name, _ := os.Hostname()
	candidates = append([]string{url.PathEscape(name)}, candidates...)
	root, err := os.Open("/")
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	for _, dir := range []string{"/", "/var/tmp", "/tmp"} {
		nonce, err := os.CreateTemp(dir, ".dindbind-")
		if err != nil {
			continue
		}
		defer os.Remove(nonce.Name())
		defer nonce.Close()
		if peer.Mount(nonce) != peer.Mount(root) {
			continue
		}
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
