// Package command calls the program `dindbind` and reads its JSON: no C compiler, one process for each call.
//
// SPDX-License-Identifier: 0BSD
package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
)

// Dindbind is the program, whose paths it translates, and what to answer with. Of a runner that may be hostile:
//
//	Dindbind{Program: "dindbind", Options: []string{"-r", "/run/ci/runner.json"}, Stage: "/run/ci/stage"}
type Dindbind struct {
	Program string
	Options []string // -p, -r, -b, -o, -S: whose paths they are. -R, -m

	Engine      int    // the process that mounts the answers, if its mount namespace is another one; 0: it is not
	EngineStart uint64 // its start time; 0: unknown

	// Stage is a directory: answers are mounts of the sources themselves, made there. They stay until Unstage.
	// "": host paths, for a runner that does not swap directories meanwhile.
	Stage string
}

// Answer is a record of -f json: Error is set, or all else.
type Answer struct {
	Source   Path   `json:"source"`
	Rule     string `json:"rule"`
	Kind     string `json:"kind"`
	Path     Path   `json:"path"`
	Layers   []Path `json:"layers"`
	Options  string `json:"options"`
	Type     string `json:"type"`
	ReadOnly bool   `json:"ro"`
	Error    string `json:"error"`
	Message  string `json:"message"`
}

// Refused is status 1: a source is refused. The request is to be answered with 400 and this text.
type Refused struct{ Message string }

func (r *Refused) Error() string { return r.Message }

// Paths translates paths. There is an Answer for each, in order; those that are refused have an Error.
func (d Dindbind) Paths(ctx context.Context, paths ...string) ([]Answer, error) {
	out, err := d.run(ctx, nil, append(d.args("-f", "json", "--"), paths...))
	var answers []Answer
	for records := json.NewDecoder(bytes.NewReader(out)); ; {
		var a Answer
		if wrong := records.Decode(&a); wrong == io.EOF {
			break
		} else if wrong != nil {
			return nil, fmt.Errorf("dindbind: its output: %w", wrong)
		}
		answers = append(answers, a)
	}
	if len(answers) == len(paths) {
		return answers, nil // whatever the status is: each record has its own Error
	}
	if err == nil {
		err = fmt.Errorf("dindbind: %d answers to %d paths", len(answers), len(paths))
	}
	return nil, err
}

// Mount is a mount as the `mounts` of an OCI runtime's config.json has it. The specs.Mount of runtime-spec has members of
// the same names, and others that depend on its version, so it cannot be converted: fill it in by name.
type Mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type,omitempty"`
	Source      string   `json:"source,omitempty"`
	Options     []string `json:"options,omitempty"`
}

// Mounts translates specs of `docker run -v`, all or none, to what a container of an OCI runtime needs mounted. There may
// be more mounts than specs: the runner's own ones below a source come after it.
func (d Dindbind) Mounts(ctx context.Context, specs ...string) ([]Mount, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	args := d.args("-f", "oci")
	for _, spec := range specs {
		args = append(args, "-v", spec)
	}
	out, err := d.run(ctx, nil, args)
	if err != nil {
		return nil, err
	}
	var mounts []Mount
	if err := json.Unmarshal(out, &mounts); err != nil {
		return nil, fmt.Errorf("dindbind: its output: %w", err)
	}
	// runtimes read a config.json as text: such a name would be another one there
	for _, e := range escape.FindAll(out, -1) {
		if len(e) != len(`\udcXX`) {
			continue
		}
		for _, m := range mounts {
			if d.Stage != "" && err == nil {
				err = d.Unstage(ctx, m.Source)
			}
		}
		if err != nil {
			return nil, err
		}
		return nil, &Refused{"a name that is not UTF-8 cannot stand in a config.json"}
	}
	return mounts, nil
}

// Unstage takes down what was made in Stage: all of it (Stage itself), or the Source of one mount. What is not there is
// fine. Call it after the sibling is removed, with a context that has not ended: dindbind is not started with one that
// has. If the context of a call ends while it makes mounts, some may stay that no answer names; all of Stage goes with
// Unstage.
func (d Dindbind) Unstage(ctx context.Context, path string) error {
	_, err := d.run(ctx, nil, append(d.engine(), "-u", path))
	return err
}

// Create translates the body of a container-create request of Docker's API. After any error but a *Refused the
// request is to be answered with 500; in no case may it reach the daemon as it was.
func (d Dindbind) Create(ctx context.Context, body []byte) ([]byte, error) {
	return d.run(ctx, body, d.args("-c"))
}

// engine gives the options of every call, -u included.
func (d Dindbind) engine() []string {
	switch {
	case d.Engine == 0:
		return nil
	case d.EngineStart == 0:
		return []string{"-E", strconv.Itoa(d.Engine)}
	default:
		return []string{"-E", fmt.Sprintf("%d:%d", d.Engine, d.EngineStart)}
	}
}

// args gives the options of a translation.
func (d Dindbind) args(more ...string) []string {
	args := append(d.engine(), d.Options...)
	if d.Stage != "" {
		args = append(args, "-s", d.Stage)
	}
	return append(args, more...)
}

// run also gives the output of a program that failed: with status 1 there may be records of what was not refused.
func (d Dindbind) run(ctx context.Context, input []byte, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, d.Program, args...)
	cmd.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	message := string(bytes.TrimSpace(complaints.Bytes()))
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = &Refused{message}
	} else if err != nil {
		err = fmt.Errorf("%w: %s", err, message)
	}
	return out, err
}

// Path is a path out of JSON. Names are bytes: those that are not UTF-8 come as \udcXX, which encoding/json would
// replace by U+FFFD, and that is another name.
type Path string

// UnmarshalJSON implements json.Unmarshaler.
func (p *Path) UnmarshalJSON(text []byte) error {
	// what else dindbind escapes Go spells in the same way
	text = escape.ReplaceAllFunc(text, func(e []byte) []byte {
		if len(e) == len(`\udcXX`) {
			return append([]byte(`\x`), e[4:]...)
		}
		return e
	})
	s, err := strconv.Unquote(string(text))
	*p = Path(s)
	return err
}

var escape = regexp.MustCompile(`\\(udc[89a-f][0-9a-f]|.)`)
