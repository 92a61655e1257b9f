package table

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// request is what net/http's server makes of these bytes.
func request(t *testing.T, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return r
}

func head(line string) string { return line + " HTTP/1.1\nHost: d" }

func TestWhatPasses(t *testing.T) {
	for line, action := range map[string]string{
		"GET /_ping":              "",
		"HEAD /_ping":             "",
		"GET /v1.24/version":      "",
		"GET /v1.99/version":      "",
		"POST /containers/create": "create",
		"POST /v1.41/containers/%63reate?name=x&platform=": "create",
		"http": "",
		"POST /v1.41/containers/abc/start?detachKeys=ctrl-p":                                     "empty",
		"POST /v1.41/containers/abc/attach?stream=1&stdout=1":                                    "stream",
		"POST /v1.41/exec/abc/start":                                                             "stream",
		"POST /session":                                                                          "stream",
		"POST /v1.41/volumes/create":                                                             "volume",
		"POST /images/create?fromImage=a&authconfig=":                                            "",
		"DELETE /containers/a?force=1&v=1":                                                       "",
		"GET /v1.41/containers/json?all=1&filters=%7B%7D":                                        "",
		"GET /v1.41/containers/abc/archive?path=/etc/passwd":                                     "",
		"POST /v1.41/images/create?fromImage=docker.io/library/alpine&tag=3":                     "",
		"POST /v1.41/images/create?fromSrc=-&repo=x":                                             "",
		"POST /v1.41/images/host:5000/a/b:c@sha256:abc/push?tag=":                                "",
		"DELETE /v1.41/images/a/b?force=1":                                                       "",
		"POST /v1.41/build?t=x&t=y&dockerfile=sub/Dockerfile&remote=&networkmode=host":           "",
		"POST /v1.41/build?dockerfile=.dockerfile.abc&remote=client-session&session=x&version=2": "",
		"POST /v1.41/build?remote=https%3A%2F%2Fexample.org%2Fx.git&outputs=%5B%7B%22Type%22%3A%22local%22,%22Attrs%22:%7B%22name%22:%22x%22%7D%7D%5D": "",
		"POST /images/create?fromImage=docker&tag=dind":  "",
		"POST /images/create?fromImage=a&tag=sha256:abc": "",
		"POST /images/create?fromSrc=-&repo=&tag=":       "",
		"POST /containers/create?name=dir&Image=%22x%22": "create",
		"GET /images/oci:1/json":                         "",
		"GET /v1.41/networks/a%20b":                      "",
	} {
		if line == "http" {
			line = "GET http://d/v1.41/info"
		}
		got, err := Judge(request(t, head(line)))
		if err != nil || got != action {
			t.Errorf("%s: %q, %v; wanted %q", line, got, err, action)
		}
	}
}

func TestWhatDoesNot(t *testing.T) {
	for line, status := range map[string]int{
		"GET /v1.23/info":                                      404,
		"POST /v1.23/containers/abc/start":                     403,
		"POST /v01.41/containers/create":                       403,
		"POST /v1.41.0/containers/create":                      403,
		"POST /v1.041/containers/create":                       403,
		"POST /v1.41./containers/create":                       403,
		"POST /v2.0/containers/create":                         403,
		"POST /containers/Create":                              403,
		"POST /containers/create/":                             400,
		"POST //containers/create":                             400,
		"POST /x/../containers/create":                         400,
		"POST /x/%2e%2e/containers/create":                     400,
		"POST /containers%2Fcreate":                            400,
		"POST /containers%2fcreate":                            400,
		"POST /containers/%2563reate":                          403,
		"POST /v1.41/containers/a/b/start":                     403,
		"POST /v1.41/containers/a%2Fb/start":                   400,
		"PATCH /containers/json":                               403,
		"PRI *":                                                403,
		"OPTIONS /info":                                        403,
		"GET /v1.41/containers/json?all=1;all=2":               400,
		"GET /v1.41/containers/json?all=%zz":                   400,
		"POST /containers/a/start?checkpoint=x":                403,
		"POST /containers/a/start?checkpoint-dir=/etc":         403,
		"POST /build?volume=/etc:/x":                           403,
		"POST /build?additionalbuildcontexts=x%3Dlocalpath:/":  403,
		"POST /build?rusagelogfile=/etc/x":                     403,
		"POST /build?secrets=id%3Dx,src%3D/etc/shadow":         403,
		"POST /build?output=/etc":                              403,
		"POST /build?outputs=%5B%7B%22dest%22%3A%22/etc%22%7D": 403,
		"POST /build?outputs=%5B%7B%22Type%22%3A%22local%22,%22Attrs%22:%7B%22dest%22:%22etc%22%7D%7D%5D": 403,
		"POST /build?remote=/etc":                              403,
		"POST /build?remote=file:///etc":                       403,
		"POST /build?dockerfile=%5B%22/etc/shadow%22%5D":       403,
		"POST /build?dockerfile=%20%5B%22/etc/shadow%22%5D":    403,
		"POST /build?dockerfile=%0A%5B%22/etc/shadow%22%5D":    403,
		"POST /build?dockerfile=a/%20%5B%22/etc/shadow%22%5D":  403,
		"POST /build?dockerfile=../../etc/shadow":              403,
		"POST /build?dockerfile=a&dockerfile=../b":             403,
		"POST /images/create?fromSrc=http://x/y":               403,
		"POST /images/create?fromSrc=/etc/x.tar":               403,
		"POST /images/create?fromImage=oci-archive:/etc/x.tar": 403,
		"POST /images/create?fromImage=dir:/etc":               403,
		"POST /images/dir:etc/push":                            403,
		"POST /images/create?fromImage=dir&tag=/etc":           403,
		"POST /images/create?fromImage=dir&tag=etc":            403,
		"POST /images/create?fromImage=oci-archive:etc":        403,
		"POST /build?t=dir:/etc":                               403,
		"POST /build?t=dir:etc":                                403,
		"POST /images/a/tag?repo=dir&tag=etc":                  403,
		"POST /commit?container=a&repo=dir:x":                  403,
		"POST /images/dir:/etc/push":                           403,
		"DELETE /images/a?only-untagged=1":                     403,
		"POST /volumes/prune?except=x":                         403,
		"POST /containers/a/checkpoints":                       403,
		"GET /v1.41/plugins":                                   404,
		"POST /v1.41/services/create":                          403,
		"POST /v1.41/swarm/init":                               403,
		"POST /v1.41/configs/create":                           403,
		"PUT /v1.44/volumes/x":                                 403,
		"POST /v4.3.1/libpod/containers/create":                403,
		"POST /libpod/containers/create":                       403,
		"GET /debug/pprof/":                                    400,
		"GET /debug/pprof":                                     404,
	} {
		var refusal *Refusal
		r := request(t, head(line))
		if _, err := Judge(r); !errors.As(err, &refusal) || refusal.Status != status {
			t.Errorf("%s: %v; wanted %d", line, err, status)
		}
	}
}

func TestReasons(t *testing.T) {
	for path, word := range map[string]string{"/v4.3.1/libpod/info": "podman", "/libpod/info": "podman", "/v1.41/swarm": "swarm",
		"/plugins/pull": "plugin", "/debug/vars": "memory"} {
		if _, err := Judge(request(t, head("POST "+path))); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v says nothing of %q", path, err, word)
		}
	}
}

// What is sent on is the query as it was read.
func TestQueryIsWrittenAnew(t *testing.T) {
	r := request(t, head("POST /build?%74=x&q&rm=1"))
	if _, err := Judge(r); err != nil || r.URL.RawQuery != "q=&rm=1&t=x" {
		t.Errorf("%q, %v", r.URL.RawQuery, err)
	}
	r = request(t, head("GET /containers/json?all=1&All=2&trunc_cmd=0"))
	if _, err := Judge(r); err != nil || r.URL.RawQuery != "all=1" {
		t.Errorf("%q, %v", r.URL.RawQuery, err)
	}
}

func TestTypes(t *testing.T) {
	for given, sent := range map[string]string{
		"":                                  "",
		"\nContent-Type: application/json":  "application/json",
		"\nContent-Type: application/x-tar": "application/x-tar",
		"\nContent-Type: plain/text":        "application/octet-stream",
		"\nContent-Type: application/x-www-form-urlencoded":                                 "application/octet-stream",
		"\nContent-Type: application/json\nContent-Type: application/x-www-form-urlencoded": "application/octet-stream",
		"\nContent-Type: multipart/form-data; boundary=x":                                   "application/octet-stream",
		"\nContent-Type: application/x-www-form-urlencoded; a=b; a=c":                       "application/octet-stream",
	} {
		r := request(t, head("POST /build")+given)
		if _, err := Judge(r); err != nil || strings.Join(r.Header["Content-Type"], "+") != sent {
			t.Errorf("%q: %q, %v", given, r.Header["Content-Type"], err)
		}
	}
}

func TestStartHasNoBody(t *testing.T) {
	for fields, passes := range map[string]bool{"": true, "\nContent-Length: 0": true, "\nContent-Length: 2\n\n{}": true,
		"\nContent-Length: 18\n\n{\"Binds\":[\"/:/x\"]}": false, "\nTransfer-Encoding: chunked\n\n2\n{}\n0": true,
		"\nTransfer-Encoding: chunked\n\n12\n{\"Binds\":[\"/:/x\"]}\n0": false} {
		r := request(t, head("POST /containers/a/start?hijack=1")+fields)
		_, err := Judge(r)
		if (err == nil) != passes {
			t.Errorf("%q: %v", fields, err)
		}
		if left, _ := io.ReadAll(r.Body); passes && (len(left) > 0 || r.ContentLength != 0 || r.URL.RawQuery != "") {
			t.Errorf("%q: %q, %q are left", fields, left, r.URL.RawQuery)
		}
	}
}

func TestCreate(t *testing.T) {
	for body, passes := range map[string]bool{
		`{}`:                              true,
		`{"HostConfig":{"Memory":1e999}}`: true,
		`{"HostConfig":null}`:             true,
		`{"HostConfig":{"LogConfig":{"Type":"json-file","Config":null}}}`:                                                          true,
		`{"HostConfig":{"LogConfig":{"Type":"json-file","Config":{"max-size":"1m","tag":"a/b"}}}}`:                                 true,
		`{"HostConfig":{"LogConfig":{"Config":{"syslog-address":"tcp+tls://h:1"}}}}`:                                               true,
		`{"HostConfig":{"LogConfig":{"Config":{"syslog-address":"unix:///x"}}}}`:                                                   false,
		`{"HostConfig":{"LogConfig":{"Config":{"syslog-tls-ca-cert":"/x"}}}}`:                                                      false,
		`{"HostConfig":{"LogConfig":{"Config":{"path":"/x"}}}}`:                                                                    false,
		`{"hostconfig":{"LOGCONFIG":{"config":{"path":"/x"}}}}`:                                                                    false,
		"{\"Ho\u017ftConfig\":{\"LogConfig\":{\"Config\":{\"path\":\"/x\"}}}}":                                                     false,
		`{"HostConfig":{"LogConfig":{"Config":{"path":"/x"}}},"HostConfig":{}}`:                                                    false,
		`{"HostConfig":{"LogConfig":{"Config":{"path":"/x"}},"LogConfig":{"Config":{"tag":"x"}}}}`:                                 false,
		`{"HostConfig":{"LogConfig":{"Config":{"pa\u0074h":"/x"}}}}`:                                                               false,
		`{"HostConfig":{"LogConfig":{"Config":{"tag":1}}}}`:                                                                        false,
		`{"LogConfig":{"Config":{"syslog-address":"unix:///x"}}}`:                                                                  false,
		`{"HostConfig":null,"VolumeDriver":"../../x"}`:                                                                             false,
		`{"HostConfig":{"VolumeDriver":"../../../mnt/evil","Binds":["v:/x"]}}`:                                                     false,
		`{"HostConfig":{"VolumeDriver":"local"}}`:                                                                                  true,
		`{"HostConfig":{"LogConfig":{"Type":"../x"}}}`:                                                                             false,
		`{"HostConfig":{"Runtime":"/bin/sh"}}`:                                                                                     false,
		`{"HostConfig":{"Runtime":"io.containerd.runc.v2","NetworkMode":"container:x","PidMode":"host"}}`:                          true,
		`{"HostConfig":{"NetworkMode":"ns:/proc/1/ns/net"}}`:                                                                       false,
		`{"HostConfig":{"SecurityOpt":["seccomp=/x"]}}`:                                                                            false,
		`{"HostConfig":{"SecurityOpt":["seccomp=unconfined","label=disable","no-new-privileges:true","seccomp={}"]}}`:              true,
		`{"HostConfig":{"Annotations":{"org.example/url":"https://x/y"}}}`:                                                         true,
		`{"HostConfig":{"Annotations":{"run.oci.hooks.stdout":"/x"}}}`:                                                             false,
		`{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"../x"}}}]}}`:                           false,
		`{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"o":"bind,ro","device":"/x"}}}}]}}`: true,
		`{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v","VolumeOptions":null}]}}`:                                          true,
		`{"HostConfig":["dindbind refuses this"]}`:                                                                                 true,
		`{} {}`: false,
		``:      false,
	} {
		if err := Look("create", []byte(body)); (err == nil) != passes {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A body that dindbind passes may still have a volume that outlives its stage.
func TestStage(t *testing.T) {
	body := []byte(`{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Options":{"o":"bind,ro","device":"/x"}}}}]}}`)
	if Look("create", body) != nil || Look("stage", body) == nil || Look("stage", []byte(`{}`)) != nil {
		t.Error(Look("create", body), Look("stage", body))
	}
	for o, passes := range map[string]bool{"": true, "bind": false, "rbind": false, "ro,bind": false, "bind,ro": false, "ro,rbind,x": false,
		"addr=10.0.0.1,rw": true, "size=1m": true, "d": true, "nd,ind": true, "find": true, "hard": true, "and": true} {
		body := []byte(`{"Mounts":[{"VolumeOptions":{"DriverConfig":{"Options":{"o":"` + o + `"}}}}]}`)
		if (Look("stage", body) == nil) != passes {
			t.Errorf("o=%s: %v", o, Look("stage", body))
		}
	}
}

func TestNesting(t *testing.T) {
	for levels, passes := range map[int]bool{30: true, 63: true, 64: false, 9000: false, 20000: false} {
		body := strings.Repeat(`{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":`, levels) + "1" + strings.Repeat("}", levels)
		if err := Look("create", []byte(body)); (err == nil) != passes {
			t.Errorf("%d levels: %v", levels, err)
		}
	}
}

func TestNetwork(t *testing.T) {
	for body, passes := range map[string]bool{
		`{"Name":"x"}`: true,
		`{"Name":"x","Driver":"bridge","IPAM":{"Driver":"default","Config":[]},"Options":null}`: true,
		`{"Name":"x","IPAM":null}`:                 true,
		`{"Name":"x","Driver":"../x"}`:             false,
		`{"Name":"x","IPAM":{"Driver":"/run/x"}}`:  false,
		`{"Name":"x","driver":"my/plugin:latest"}`: false,
		`{`: false,
	} {
		if err := Look("network", []byte(body)); (err == nil) != passes {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestVolume(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                                   `{"Name":""}`,
		`{"Name":"x","Driver":"","Labels":{}}`: `{"Name":"x"}`,
		`{"Name":"x","Driver":"local","DriverOpts":{"type":"tmpfs"},"Labels":{"a":"/b"}}`: `{"Name":"x","Driver":"local","DriverOpts":{"type":"tmpfs"},"Labels":{"a":"/b"}}`,
		`{"driveropts":{"o":"x"},"DriverOpts":{"type":"nfs"}}`:                            `{"Name":"","DriverOpts":{"o":"x","type":"nfs"}}`,
		`{"Driver":"local-persist"}`:                                                      "",
		`{"ClusterVolumeSpec":{}}`:                                                        "",
		`{"Driver":1}`:                                                                    "",
		`{"DriverOpts":{"device":["x"]}}`:                                                 "",
		`[]`:                                                                              "",
		`{"Name":"x"`:                                                                     "",
	} {
		volume, container, err := Volume([]byte(body))
		if string(volume) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v; wanted %s", body, volume, err, want)
		}
		if strings.Contains(want, "tmpfs") && !strings.Contains(string(container), `"Options":{"type":"tmpfs"}`) {
			t.Errorf("%s: %s", body, container)
		}
	}
}
