package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// In the runner: who this container is to the daemon.

var errNotMine = errors.New("this daemon does not run this container, so that no file of this container has a name there: take the " +
	"daemon that runs it, or mount volumes by name")

var ownFile = regexp.MustCompile(`/containers/([0-9a-f]{64})/hostname `)

// whoami returns the daemon's inspect of this container, and where that has its root, for a daemon of which dindbind cannot
// be sure. A file that is made here has to come back from the container: an ID that was found somewhere proves nothing,
// and this daemon may have been replaced by another one since the last request.
func (d *daemon) whoami(ctx context.Context) (inspect []byte, root string, err error) {
	word := make([]byte, 16)
	if _, err = rand.Read(word); err != nil {
		return nil, "", err
	}
	text := fmt.Sprintf("%x", word)
	candidates, err := d.candidates(ctx)
	if err != nil {
		return nil, "", err
	}
	cwd, _ := os.Getwd()
	for _, dir := range []string{"/", "/var/tmp", "/tmp", cwd} {
		nonce := filepath.Join(dir, ".dindbind-"+text)
		f, err := os.OpenFile(nonce, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0600)
		if err != nil {
			continue
		}
		_, err = f.WriteString(text)
		f.Close()
		for _, id := range candidates {
			if err == nil && d.has(ctx, id, nonce, text) {
				os.Remove(nonce)
				return d.describe(ctx, id)
			}
		}
		os.Remove(nonce)
	}
	return nil, "", errNotMine
}

// candidates are the IDs that engines' own files have in mountinfo, which are another container's where the network is
// joined; the host name; all that run.
func (d *daemon) candidates(ctx context.Context) ([]string, error) {
	var ids []string
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	for _, found := range ownFile.FindAllSubmatch(mounts, -1) {
		ids = append(ids, string(found[1]))
	}
	if name, err := os.Hostname(); err == nil {
		ids = append(ids, name)
	}
	running, err := d.containers(ctx, "0")
	return append(ids, running...), err
}

func (d *daemon) describe(ctx context.Context, id string) ([]byte, string, error) {
	var c struct {
		Id, Driver  string
		GraphDriver struct{ Data struct{ MergedDir string } }
	}
	var info struct {
		DockerRootDir string
		DriverStatus  [][]string
	}
	inspect, err := d.get(ctx, "/containers/"+url.PathEscape(id)+"/json", &c)
	if err == nil {
		_, err = d.get(ctx, "/info", &info)
	}
	if err != nil {
		return nil, "", err
	}
	if strings.Contains(fmt.Sprint(info.DriverStatus), "io.containerd.snapshotter") {
		return inspect, filepath.Join(info.DockerRootDir, "rootfs", c.Driver, c.Id), nil
	}
	if c.Driver == "fuse-overlayfs" {
		return inspect, c.GraphDriver.Data.MergedDir, nil
	}
	return inspect, "", nil
}
