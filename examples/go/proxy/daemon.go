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
	d.http.Transport = &http.Transport{
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return d.dial() },
		DisableCompression: true,
	}
	return d
}

func (d *daemon) dial() (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: d.socket, Net: "unix"})
}

// engine is the process that mounts what a container gets. It is looked up each time, for a daemon may be restarted.
// Where systemd listens for the daemon it is systemd, which has the same mounts; -engine says otherwise.
func (d *daemon) engine() (*peer.Process, error) {
	if d.fixed != nil {
		if err := d.fixed.Check(); err != nil {
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
	p.Close() // it is used now, and the number is checked by its start time
	return p, nil
}

// errMissing is the daemon's 404.
var errMissing = errors.New("not there")

// get reads an answer, and what `into` wants of its JSON.
func (d *daemon) get(ctx context.Context, path string, into any) ([]byte, error) {
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

// containers lists the IDs of all containers, or of those that run.
func (d *daemon) containers(ctx context.Context, all string) ([]string, error) {
	var list []struct{ Id string }
	_, err := d.get(ctx, "/containers/json?all="+all, &list)
	var ids []string
	for _, c := range list {
		ids = append(ids, c.Id)
	}
	return ids, err
}

// reports inspects every container. What one mounts does not change once it has run: that is asked once.
func (d *daemon) reports() func(context.Context) ([][]byte, error) {
	known := map[string][]byte{}
	return func(ctx context.Context) ([][]byte, error) {
		ids, err := d.containers(ctx, "1")
		if err != nil {
			return nil, err
		}
		next, all := map[string][]byte{}, [][]byte{}
		for _, id := range ids {
			report := known[id]
			if report == nil {
				var c struct{ State struct{ Status string } }
				report, err = d.get(ctx, "/containers/"+url.PathEscape(id)+"/json", &c)
				if err == errMissing {
					continue
				}
				if err != nil {
					return nil, err
				}
				if c.State.Status != "running" && c.State.Status != "exited" {
					all = append(all, report)
					continue
				}
			}
			next[id] = report
			all = append(all, report)
		}
		known = next
		return all, nil
	}
}

// destroyed calls `then` when it starts to listen, and for each container that is removed, for ever.
func (d *daemon) destroyed(then func()) {
	filters := url.QueryEscape(`{"type":["container"],"event":["destroy","remove"]}`)
	for {
		resp, err := d.http.Get("http://docker/events?filters=" + filters)
		if err == nil {
			then()
			events := json.NewDecoder(resp.Body)
			for event := (json.RawMessage)(nil); events.Decode(&event) == nil; {
				then()
			}
			resp.Body.Close()
		}
		time.Sleep(time.Second)
	}
}

// has asks whether the container's root file system has this file, with this text in it.
func (d *daemon) has(ctx context.Context, id, file, text string) bool {
	archive, err := d.get(ctx, "/containers/"+url.PathEscape(id)+"/archive?path="+url.QueryEscape(file), nil)
	return err == nil && bytes.Contains(archive, []byte(text))
}
