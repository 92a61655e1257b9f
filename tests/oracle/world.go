// The runner, as the test knows it without asking dindbind.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// row is one -b of the command line.
type row struct {
	host, at string // host is below the world's directory
	ro       bool
}

// below is a mount of the runner's below a source.
type below struct {
	rest, host string
	ro         bool
}

// place is what a source is for the daemon.
type place struct {
	host   string
	ro     bool
	belows []below
}

type world struct {
	dir    string
	rows   []row
	places map[string]place // by the runner's clean path
}

const odd = `q'"\ é😀`

var rows = []row{
	{"w", "/w", false},
	{"n", "/w/n", false},
	{"d", "/w/sub/deep", true},
	{"ro", "/r", true},
	{"rn", "/r/n", false},
	{odd, "/" + odd, false},
	{"file", "/etc/file", false},
	{"c,omma", "/comma", false},
	{"unseen", "/unseen", false},
	{"bad\xff", "/bad", false},
}

// Directories, files and links that the rows show. "bad\xff" is not made: no answer may have it.
var (
	directories = []string{"w/sub/deep", "w/n", "w/nx", "w/c:d", "w/c,d", "w/é", "w/\u212a",
		"w/k", "w/\ufb01",
		"w/a\tb\u2028", "w/" + odd, "n/in", "d/x", "ro/a", "ro/n", "rn", odd + "/" +
			odd, "c,omma/in"}
	files = []string{"w/f", "w/sub/g", "file"}
	links = [][2]string{{"w/link", "sub"}, {"w/up", "../w/sub"}, {"w/abs", "/w/sub"},
		{"w/out", "../../etc"},
		{"w/cross", "n"}, {"w/loop", "loop"}}
)

// newWorld writes down what each source is. Nothing of it is found out by looking: a line here is
// a fact of the test.
func newWorld(dir string) *world {
	w := &world{dir: dir, rows: rows, places: map[string]place{}}
	n, deep := w.below("/n", "n", false), w.below("/sub/deep", "d", true)
	w.place("/w", "w", false, n, deep)
	w.place("/w/sub", "w/sub", false, w.below("/deep", "d", true))
	w.place("/w/link", "w/sub", false, w.below("/deep", "d", true))
	w.place("/w/sub/deep", "d", true)
	w.place("/w/sub/deep/x", "d/x", true)
	w.place("/w/n", "n", false)
	w.place("/w/n/in", "n/in", false)
	w.place("/r", "ro", true, w.below("/n", "rn", false))
	w.place("/r/a", "ro/a", true)
	w.place("/r/n", "rn", false)
	w.place("/etc/file", "file", false)
	w.place("/unseen", "unseen", false)
	w.place("/comma", "c,omma", false)
	w.place("/comma/in", "c,omma/in", false)
	w.place("/"+odd, odd, false)
	w.place("/"+odd+"/"+odd, odd+"/"+odd, false)
	w.place("/w/link/g", "w/sub/g", false)
	for _, name := range []string{"f", "sub/g", "nx", "c:d", "c,d", "é", "\u212a", "k",
		"\ufb01", "a\tb\u2028", odd} {
		w.place("/w/"+name, "w/"+name, false)
	}
	return w
}

func (w *world) below(rest, host string, ro bool) below {
	return below{rest, w.dir + "/" + host, ro}
}

func (w *world) place(source, host string, ro bool, belows ...below) {
	w.places[source] = place{w.dir + "/" + host, ro, belows}
}

// find is what a source means for the daemon; false where it must be refused.
func (w *world) find(source string) (place, bool) {
	if !strings.HasPrefix(source, "/") {
		return place{}, false
	}
	p, ok := w.places[path.Clean(source)]
	return p, ok
}

func (w *world) arguments() []string {
	arguments := []string{"-c"}
	for _, r := range w.rows {
		spec := w.dir + "/" + r.host + ":" + r.at
		if r.ro {
			spec += ":ro"
		}
		arguments = append(arguments, "-b", spec)
	}
	return arguments
}

func (w *world) make() error {
	for _, d := range directories {
		if err := os.MkdirAll(filepath.Join(w.dir, d), 0o755); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(w.dir, f), nil, 0o644); err != nil {
			return err
		}
	}
	for _, l := range links {
		if err := os.Symlink(l[1], filepath.Join(w.dir, l[0])); err != nil {
			return err
		}
	}
	return nil
}
