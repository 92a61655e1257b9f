package stage

import (
	"os"
	"strings"
	"testing"

	"dindbind.example/proxy/peer"
)

func store(base string) *Store {
	return &Store{Base: base, PerOwner: 2, All: 3, Engine: func() (*peer.Process, error) { return peer.ByPID(os.Getpid()) }}
}

// What stages.sh makes is for tests/proxy.sh, with an engine. Anything else is refused before a directory is made.
func TestNotPrepared(t *testing.T) {
	dir := t.TempDir()
	for _, base := range []string{dir + "/none", dir, "/proc", "/dev"} {
		if made, err := store(base).New("0123456789abcdef"); err == nil || !strings.Contains(err.Error(), "stages.sh "+base) {
			t.Errorf("%s: %q, %v", base, made, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// With a BASE that has more mounts below it than the limits: that of all processes.
func TestFull(t *testing.T) {
	for _, c := range []struct {
		base, owner string
		own, all    int
		full        string
	}{
		{"/none", "0123456789abcdef", 0, 0, ""},
		{"", "0123456789abcdef", 0, 1, "all siblings together have"},
		{"", "0123456789abcdef", 0, 1 << 20, ""},
	} {
		s := store(c.base)
		s.PerOwner, s.All = c.own, c.all
		if err := s.Full(c.owner); (err == nil) != (c.full == "") || err != nil && !strings.Contains(err.Error(), c.full) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
