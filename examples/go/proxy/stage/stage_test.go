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

// With a BASE that has more mounts below it than the limits: the root of all.
func TestFull(t *testing.T) {
	s := store("")
	s.All = 1
	if err := s.Full("0123456789abcdef"); err == nil || !strings.Contains(err.Error(), "1 is the limit") {
		t.Errorf("%v", err)
	}
	s.All = 1 << 20
	if err := s.Full("0123456789abcdef"); err != nil {
		t.Error(err)
	}
}
