// Package table knows which requests of Docker's API pass, and what in them is looked at.
//
// SPDX-License-Identifier: 0BSD
//
// table.txt is a list of what passes, so that no path of the host reaches the daemon untranslated in the API's next
// version either. It does not separate tenants: who may create containers is root on the host.
package table

import (
	"bytes"
	_ "embed" // table.txt
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Refusal is what the client gets in the place of the daemon's answer.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Refuse makes a Refusal.
func Refuse(status int, format string, args ...any) error {
	return &Refusal{status, fmt.Sprintf(format, args...)}
}

// ---- The table ----------------------------------------------------------------------------------------

type row struct {
	method, action string
	path           *regexp.Regexp
	query          map[string]*regexp.Regexp
}

//go:embed table.txt
var text string

var (
	rows       []row
	reasons    = map[string]string{}         // the first part of a path: why it does not pass
	logOptions = map[string]*regexp.Regexp{} // what their values match
)

func init() {
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "no":
			reasons[words[1]] = strings.Join(words[2:], " ")
		case words[0] == "log":
			keys(logOptions, words[1:])
		default:
			r := row{method: words[0], path: whole(words[1]), query: map[string]*regexp.Regexp{}}
			if last := words[len(words)-1]; last[0] == '!' {
				r.action, words = last[1:], words[:len(words)-1]
			}
			keys(r.query, words[2:])
			rows = append(rows, r)
		}
	}
}

// keys adds words that are KEY, or KEY=REGEXP.
func keys(to map[string]*regexp.Regexp, words []string) {
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found {
			value = ".*"
		}
		to[key] = whole(value)
	}
}

var patterns = strings.NewReplacer(
	"{}", `[^/]+`,
	"{image}", `[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@\w+:\w+)?`,
	"{file}", `(/?((\.?[^/.[][^/]*|\.)/)*(\.?[^/.[][^/]*))?`)

func whole(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`^(?s:` + patterns.Replace(pattern) + `)$`)
}

// ---- Requests -----------------------------------------------------------------------------------------

// Before 1.24 `start` takes a HostConfig.
var version = regexp.MustCompile(`^/v1\.(2[4-9]|[3-9]\d|[1-9]\d\d)/`)

// podman's own API counts podman's versions. Then the first part of the path.
var anyVersion = regexp.MustCompile(`^(/v[0-9.]+)?(/[^/]*)?`)

// With a form as body some of Go's functions take its fields for the query's.
var types = map[string]bool{"": true, "application/json": true, "application/tar": true, "application/x-tar": true,
	"application/octet-stream": true, "text/plain": true}

// Judge says what is to be done with a request: an action of the table, or "", which is to pass it on. Its query is
// replaced by what was read of it.
func Judge(r *http.Request) (string, error) {
	p := r.URL.Path
	if p != path.Clean(p) || strings.Contains(strings.ToLower(r.URL.EscapedPath()), "%2f") {
		return "", Refuse(http.StatusBadRequest, "the path %q is not written plainly", p)
	}
	if at := version.FindString(p); at != "" {
		p = p[len(at)-1:]
	}
	for _, row := range rows {
		if row.method == r.Method && row.path.MatchString(p) {
			return row.action, row.look(r)
		}
	}
	why := reasons[anyVersion.FindStringSubmatch(p)[2]]
	if why == "" {
		why = "it is none of the requests, of API 1.24 or later, that are known to name no path of the host"
	}
	return "", Refuse(http.StatusForbidden, "%s %q does not pass: %s", r.Method, r.URL.Path, why)
}

func (row *row) look(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Refuse(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	for key, values := range query {
		for _, value := range values {
			if match := row.query[key]; match == nil || !match.MatchString(value) {
				return Refuse(http.StatusForbidden, "%s %s?%s=%q does not pass: it is not known to name no path of the host",
					r.Method, r.URL.Path, key, value)
			}
		}
	}
	r.URL.RawQuery = query.Encode()
	kind := ""
	if given := r.Header["Content-Type"]; len(given) > 0 {
		if kind, _, err = mime.ParseMediaType(given[0]); err != nil || len(given) > 1 {
			kind = given[0] + "?"
		}
	}
	if !types[kind] {
		return Refuse(http.StatusUnsupportedMediaType, "Content-Type %q: take application/json, or for an archive application/x-tar", kind)
	}
	if row.action == "empty" && r.ContentLength != 0 {
		return Refuse(http.StatusBadRequest, "a body for %s: what a container mounts belongs into the request that creates it", r.URL.Path)
	}
	return nil
}

// ---- Bodies -------------------------------------------------------------------------------------------
//
// They are read by encoding/json, as the daemon reads them: in any case, and of a member that is there twice the last one.

// Create looks at what in a container-create body names files of the host and is no mount: options of the log driver.
func Create(body []byte) error {
	var c struct {
		HostConfig struct {
			LogConfig struct{ Config map[string]string }
		}
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return Refuse(http.StatusBadRequest, "the body: %v", err)
	}
	for name, value := range c.HostConfig.LogConfig.Config {
		if match := logOptions[name]; match == nil || !match.MatchString(value) {
			return Refuse(http.StatusForbidden, "LogConfig: %s=%q does not pass: it is not known to name no file of the host", name, value)
		}
	}
	return nil
}

// ErrVolume says which volumes pass.
var ErrVolume = Refuse(http.StatusForbidden, "of volumes local ones pass, without options or of the type tmpfs, nfs or cifs; to mount a "+
	"directory, name it in the request that creates the container")

// Volume reads a volume-create body: what it returns is the same volume, and the body of a container that has it. If dindbind
// lets that one pass where no name means anything, the volume has no directory of the host. Nothing is translated: a
// volume stays when the runner is gone.
func Volume(body []byte) (volume, container []byte, err error) {
	var v struct {
		Name       string
		Driver     string            `json:",omitempty"`
		DriverOpts map[string]string `json:",omitempty"`
		Labels     map[string]string `json:",omitempty"`
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	err = in.Decode(&v)
	if _, more := in.Token(); err != nil || more != io.EOF || v.Driver != "" && v.Driver != "local" {
		return nil, nil, ErrVolume
	}
	if volume, err = json.Marshal(v); err != nil {
		return nil, nil, err
	}
	options, err := json.Marshal(v.DriverOpts)
	return volume, []byte(`{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/volume","VolumeOptions":{"DriverConfig":` +
		`{"Name":"local","Options":` + string(options) + `}}}]}}`), err
}
