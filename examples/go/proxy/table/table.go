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
	why := reasons["/"+strings.SplitN(p+"/", "/", 3)[1]]
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

// object is a JSON object, its members by their names in lower case: those that encoding/json would take for one and the
// same are refused, for it merges them.
func object(text []byte, what string) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	in := json.NewDecoder(bytes.NewReader(text))
	start, err := in.Token()
	if err == nil && start == nil {
		return members, nil
	}
	if err != nil || start != json.Delim('{') {
		return nil, Refuse(http.StatusBadRequest, "%s is no JSON object", what)
	}
	for in.More() {
		var value json.RawMessage
		key, err := in.Token()
		if err == nil {
			err = in.Decode(&value)
		}
		if err != nil {
			return nil, Refuse(http.StatusBadRequest, "%s: %v", what, err)
		}
		// also U+017F and U+212A are letters to encoding/json
		name := strings.ToLower(strings.ToUpper(key.(string)))
		if members[name] != nil {
			return nil, Refuse(http.StatusBadRequest, "%s has %q twice", what, key)
		}
		members[name] = value
	}
	if _, err = in.Token(); err != nil {
		return nil, Refuse(http.StatusBadRequest, "%s: %v", what, err)
	}
	return members, nil
}

// Create looks at what in a container-create body names files of the host and is no mount: options of the log driver.
func Create(body []byte) error {
	members := map[string]json.RawMessage{"body": body}
	for _, name := range []string{"body", "HostConfig", "LogConfig", "Config"} {
		within := members[strings.ToLower(name)]
		if within == nil {
			return nil
		}
		var err error
		if members, err = object(within, name); err != nil {
			return err
		}
	}
	for name, value := range members {
		var s string
		err := json.Unmarshal(value, &s)
		if match := logOptions[name]; err != nil || match == nil || !match.MatchString(s) {
			return Refuse(http.StatusForbidden, "LogConfig: %q with the value %s does not pass: it is not known to name no file of the host", name, value)
		}
	}
	return nil
}

// Volume looks at a volume-create body. What it returns is the body of a container that would have such a volume; if
// dindbind passes that unchanged, the volume's options lead nowhere on the host. The volume outlives the runner, so that
// nothing is translated here.
func Volume(body []byte) ([]byte, error) {
	members, err := object(body, "the volume")
	if err != nil {
		return nil, err
	}
	for name := range members {
		switch name {
		case "name", "labels", "driver", "driveropts":
		default:
			return nil, Refuse(http.StatusForbidden, "a volume with %q does not pass", name)
		}
	}
	var driver string
	if json.Unmarshal(or(members["driver"], `""`), &driver) != nil || driver != "" && driver != "local" {
		return nil, Refuse(http.StatusForbidden, "a volume of the driver %s does not pass: only local ones, of no type, tmpfs, nfs or cifs, are known to have no directory of the host", members["driver"])
	}
	return []byte(`{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/volume","VolumeOptions":{"DriverConfig":{"Name":"local","Options":` +
		string(or(members["driveropts"], "null")) + `}}}]}}`), nil
}

func or(given json.RawMessage, text string) json.RawMessage {
	if given == nil {
		return json.RawMessage(text)
	}
	return given
}
