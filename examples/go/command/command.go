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

// Dindbind is the program, and the options that say whose paths they are, and what to answer with:
//
//	Dindbind{"dindbind", []string{"-r", "/run/ci/runner.json", "-s", "/run/ci/stage"}}
type Dindbind struct {
	Program string
	Options []string
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

// Refused is status 1 of Create: the request is to be answered with 400 and this text.
type Refused struct{ Message string }

func (r *Refused) Error() string { return r.Message }

// Paths translates paths. There is an Answer for each, in order; those that are refused have an Error.
func (d Dindbind) Paths(ctx context.Context, paths ...string) ([]Answer, error) {
	args := append([]string{"-f", "json", "--"}, paths...)
	out, err := d.run(ctx, nil, args)
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

// Create translates the body of a container-create request of Docker's API. After any error but a *Refused the
// request is to be answered with 500; in no case may it reach the daemon as it was.
func (d Dindbind) Create(ctx context.Context, body []byte) ([]byte, error) {
	return d.run(ctx, body, []string{"-c"})
}

// run also gives the output of a program that failed: with status 1 there may be records of what was not refused.
func (d Dindbind) run(ctx context.Context, input []byte, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, d.Program, append(append([]string(nil), d.Options...), args...)...)
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
