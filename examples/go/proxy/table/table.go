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
	rows    []row
	reasons = map[string]string{}         // the first part of a path: why it does not pass
	members = map[string]*regexp.Regexp{} // of bodies: what their values match
)

func init() {
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "no":
			reasons[words[1]] = strings.Join(words[2:], " ")
		case words[0] == "body":
			keys(members, words[1]+".", words[2:])
		default:
			r := row{method: words[0], path: whole(words[1]), query: map[string]*regexp.Regexp{}}
			if last := words[len(words)-1]; last[0] == '!' {
				r.action, words = last[1:], words[:len(words)-1]
			}
			keys(r.query, "", words[2:])
			rows = append(rows, r)
		}
	}
}

// keys adds words that are KEY, or KEY=REGEXP.
func keys(to map[string]*regexp.Regexp, prefix string, words []string) {
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found {
			value = ".*"
		}
		to[prefix+key] = whole(value)
	}
}

var patterns = strings.NewReplacer(
	"{}", `[^/]+`,
	// options of mount(8), none of which ends with `bind`
	"{nobind}", `(([^,]*([^d,]|[^n,]d|[^i,]nd|[^b,]ind)|i?n?d)?(,|$))*`,
	"{nothing}", `[^\x00-\x{10FFFF}]`,
	"{image}", `[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@\w+:\w+)?`,
	"{tag}", `(\w[\w.-]*|\w+:\w+)?`,
	"{file}", `(/?((\.?[\w-][^/]*|\.)/)*\.?[\w-][^/]*)?`)

func whole(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`^(?s:` + patterns.Replace(pattern) + `)$`)
}

// What an image's name must not be: to podman it is a place where images are files. (docker:dind is an image.)
var transport = regexp.MustCompile(`^(/images/)?(dir|oci|oci-archive|docker-archive|docker-daemon|containers-storage|ostree|sif|tarball|atomic)([:/]|$)`)

func passes(match *regexp.Regexp, key, value string) bool {
	image := key == "t" || key == "repo" || key == "fromImage"
	return match != nil && match.MatchString(value) && !(image && transport.MatchString(value))
}

// ---- Requests -----------------------------------------------------------------------------------------

// Before 1.24 `start` takes a HostConfig.
var version = regexp.MustCompile(`^/v1\.(2[4-9]|[3-9]\d|[1-9]\d\d)/`)

// podman's own API counts podman's versions. Then the first part of the path.
var anyVersion = regexp.MustCompile(`^(/v[0-9.]+)?(/[^/]*)?`)

// Of a body that calls itself a form, Go takes the fields for the query's. Types that are not here are not sent on.
var types = map[string]bool{"application/json": true, "application/tar": true, "application/x-tar": true, "text/plain": true}

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
		if row.method == r.Method && row.path.MatchString(p) &&
			(r.Method == http.MethodGet || !transport.MatchString(p)) {
			return row.action, row.look(r)
		}
	}
	status, why := http.StatusForbidden, reasons[anyVersion.FindStringSubmatch(p)[2]]
	if r.Method == http.MethodGet {
		status = http.StatusNotFound // `docker inspect NAME` asks for a plugin last, and shows any other answer
	}
	if why == "" {
		why = "the proxy does not know this request, of API 1.24 or later"
	}
	return "", Refuse(status, "%s %q does not pass: %s", r.Method, r.URL.Path, why)
}

func (row *row) look(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Refuse(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	for key, values := range query {
		match := row.query[key]
		if match == nil && row.query["only"] == nil {
			query.Del(key)
			continue
		}
		for _, value := range values {
			if !passes(match, key, value) {
				return Refuse(http.StatusForbidden, "%s %s: the query %q=%q does not pass: it may name files of the host",
					r.Method, r.URL.Path, key, value)
			}
		}
	}
	r.URL.RawQuery = query.Encode()
	if given := r.Header["Content-Type"]; given != nil {
		kind, _, err := mime.ParseMediaType(given[0])
		if len(given) > 1 || err != nil || !types[kind] {
			kind = "application/octet-stream"
		}
		r.Header.Set("Content-Type", kind)
	}
	if row.action == "empty" { // up to 7 bytes are none to dockerd either
		if text, _ := io.ReadAll(io.LimitReader(r.Body, 8)); len(text) > 7 {
			return Refuse(http.StatusBadRequest, "a body for %s: what a container mounts belongs into the request that creates it", r.URL.Path)
		}
		r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
		r.Header.Del("Content-Type")
	}
	return nil
}

// ---- Bodies -------------------------------------------------------------------------------------------

// Look looks at each string of a body for which the table has a row: by its path, without HostConfig, which dockerd 20.10 does
// without if it is missing. A member that is there twice is looked at twice, and encoding/json takes both of one letter case
// or another, so that names are in lower case here.
func Look(what string, body []byte) error {
	if !json.Valid(body) {
		return Refuse(http.StatusBadRequest, "the body is no JSON")
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	return leaves(in, deep, what, "", func(path, parent string, value any) error {
		path, parent = strings.Replace(path, ".hostconfig", "", 1), strings.Replace(parent, ".hostconfig", "", 1)
		match := members[path]
		if match == nil {
			match = members[parent+".*"]
		}
		if s, ok := value.(string); match != nil && value != nil && (!ok || !match.MatchString(s)) {
			return Refuse(http.StatusForbidden, "%q with the value %q does not pass: it may lead to files of the host", path, value)
		}
		return nil
	})
}

const deep = 64 // levels of nesting, each of which has a path

// leaves visits all values that are no object and no array. Elements of an array have its path.
func leaves(in *json.Decoder, levels int, path, parent string, visit func(path, parent string, value any) error) error {
	token, err := in.Token()
	if err == nil && levels == 0 {
		err = Refuse(http.StatusBadRequest, "the body is nested too deeply: %d levels pass", deep)
	}
	if err != nil {
		return err
	}
	if _, open := token.(json.Delim); !open {
		return visit(path, parent, token)
	}
	for in.More() {
		below, above := path, parent
		if token == json.Delim('{') {
			key, err := in.Token()
			if err != nil {
				return err
			}
			// to encoding/json U+017F and U+212A are letters too
			below, above = path+"."+strings.ToLower(strings.ToUpper(key.(string))), path
		}
		if err = leaves(in, levels-1, below, above, visit); err != nil {
			return err
		}
	}
	_, err = in.Token()
	return err
}

// ErrVolume says which volumes pass.
var ErrVolume = Refuse(http.StatusForbidden, "only local volumes pass, without options or of the type tmpfs, nfs or cifs; to mount a "+
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
