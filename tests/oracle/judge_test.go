// Does the judge notice? Answers that are right, the same with one byte altered, and answers that
// are wrong.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

var testWorld = newWorld("/T")

// Requests with the answers that are due.
var right = [][2]string{
	{`{"HostConfig":{"Binds":["/w/nx:/x"]}}`, `{"HostConfig":{"Binds":["/T/w/nx:/x"]}}`},
	{`{ "Image":"a", "x": 1.0e5, "hoſtconfig":{"Bind\u0073": [ "\/w\/f:\u002fx:z,rw" ,` +
		` "vol:/v" ] } }`,
		`{ "Image":"a", "x": 1.0e5, "hoſtconfig":{"Bind\u0073": [ "/T/w/f:\u002fx:z,rw" ,` +
			` "vol:/v" ] } }`},
	{`{"HostConfig":{"Binds":["/r/a:/x:rw,z","/r/a/:/y","/w/sub/./deep:/z:ro"]}}`,
		`{"HostConfig":{"Binds":["/T/ro/a:/x:ro,z","/T/ro/a:/y:ro","/T/d:/z:ro"]}}`},
	{`{"HostConfig":{"Binds":["/w:/x/"]}}`, `{"HostConfig":{"Binds":["/T/w:/x/","/T/n:/x/n",` +
		`"/T/d:/x/sub/deep:ro"]}}`},
	{`{"HostConfig":{"Binds":["/w:/x"],"Tmpfs":{"/x/sub/":""}},"Volumes":{"/x/n":{}}}`,
		`{"HostConfig":{"Binds":["/T/w:/x"],"Tmpfs":{"/x/sub/":""}},"Volumes":{"/x/n":{}}}`},
	{`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/r","Target":"/x",` +
		`"BindOptions":{"Propagation":"rslave"}}]}}`,
		`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/T/ro","Target":"/x",` +
			`"ReadOnly":true,"BindOptions":{"Propagation":"rslave"}},` +
			`{"Type":"bind","Source":"/T/rn","Target":"/x/n",` +
			`"BindOptions":{"Propagation":"rslave"}}]}}`},
	{`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/w","Target":"/x","ReadOnly": false}]}}`,
		`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/T/w","Target":"/x",` +
			`"ReadOnly": false},` +
			`{"Type":"bind","Source":"/T/n","Target":"/x/n","ReadOnly": false},` +
			`{"Type":"bind","Source":"/T/d","Target":"/x/sub/deep","ReadOnly": true}]}}`},
	{`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/w","Target":"/x",` +
		`"BindOptions":{"NonRecursive":true}}]}}`,
		`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/T/w","Target":"/x",` +
			`"BindOptions":{"NonRecursive":true}}]}}`},
	{`{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Options":` +
		`{"type":"none","o":"bind,ro","device":"/w/sub/deep"}}}},{"Type":"tmpfs",` +
		`"Target":"/y"}]}}`,
		`{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v","Target":"/x","ReadOnly":true,` +
			`"VolumeOptions":{"DriverConfig":{"Options":` +
			`{"type":"none","o":"bind,ro","device":"/T/d"}}}},{"Type":"tmpfs","Target":"/y"}]}}`},
}

func accepted(text string) answer { return answer{0, []byte(text), nil} }

func TestRightAnswersPass(t *testing.T) {
	for _, c := range right {
		if v := testWorld.judge([]byte(c[0]), accepted(c[1])); len(v.complaints) > 0 {
			t.Errorf("%s: %v", c[0], v.complaints)
		}
	}
}

// alterations are what becomes of a text when the byte at i changes.
func alterations(text string, i int) []string {
	return []string{
		text[:i] + string([]byte{text[i] ^ 1}) + text[i+1:],
		text[:i] + "x" + text[i+1:],
		text[:i] + text[i+1:],
		text[:i] + text[i:i+1] + text[i:],
	}
}

func TestAnyAlteredByteIsNoticed(t *testing.T) {
	for _, c := range right {
		for i := range c[1] {
			for _, wrong := range alterations(c[1], i) {
				if wrong != c[1] && len(testWorld.judge([]byte(c[0]),
					accepted(wrong)).complaints) == 0 {
					t.Errorf("%s: %s passes", c[0], wrong)
				}
			}
		}
	}
}

// The decoders alone, without a look at bytes, notice what is altered in a source, a ro or a
// mount below.
func TestDecodersNoticeAlteredSources(t *testing.T) {
	seen := 0
	for _, c := range right {
		v := testWorld.judge([]byte(c[0]), accepted(c[1]))
		for _, e := range v.edits {
			for i := e.start; i < e.end; i++ {
				wrong := alterations(c[1], i)[0]
				var is, was Request
				if decode([]byte(wrong), &is) == nil && decode([]byte(c[1]), &was) == nil &&
					reflect.DeepEqual(is, was) {
					continue // such as the name of a field that is false
				}
				var alone verdict
				testWorld.judgeDecoded(&alone, []byte(c[0]), []byte(wrong))
				if len(alone.complaints) == 0 {
					t.Errorf("%s: %s passes", c[0], wrong)
				}
				seen++
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d alterations", seen)
	}
}

// Answers that are wrong, and the promise that each breaks.
var wrong = []struct{ promise, body, answer string }{
	{untranslated, `{"HostConfig":{"Binds":["/etc:/x"]}}`, ""},
	{untranslated, `{"HostConfig":{"Binds":["/wx:/x"]}}`,
		`{"HostConfig":{"Binds":["/T/wx:/x"]}}`},
	{untranslated, `{"HostConfig":{"Binds":["./w:/x"]}}`, ""},
	{untranslated, `{"HostConfig":{"Binds":["/w/missing:/x"]}}`,
		`{"HostConfig":{"Binds":["/T/w/missing:/x"]}}`},
	{untranslated, `{"HostConfig":{"Binds":["/w/out:/x"]}}`,
		`{"HostConfig":{"Binds":["/etc:/x"]}}`},
	{untranslated, `{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc",` +
		`"Target":"/x"}]}}`, ""},
	{untranslated, `{"HostConfig":{"Mounts":[{"Type":"bind","Source":"etc","Target":"/x"}]}}`,
		""},
	{unknownType, `{"HostConfig":{"Mounts":[{"Type":"Bind","Source":"/w","Target":"/x"}]}}`,
		`{"HostConfig":{"Mounts":[{"Type":"Bind","Source":"/T/w","Target":"/x"}]}}`},
	{unknownType, `{"HostConfig":{"Mounts":[{"Type":"TMPFS","Target":"/x"}]}}`, ""},
	{untranslated, `{"HostConfig":{"Mounts":[{"Type":"volume","Source":"/etc",` +
		`"Target":"/x"}]}}`, ""},
	{untranslated, `{"Binds":["/etc:/x"]}`, ""},
	{untranslated, `{"HostConfig":null,"binds":["/etc:/x"]}`, ""},
	{decodedOld, `{"HostConfig":null,"binds":["/w:/x"]}`, ""},
	{untranslated, `{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Options":` +
		`{"o":"rw,bind","device":"/etc"}}}}]}}`, ""},
	{untranslated, `{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Options":` +
		`{"o":"rbind","device":"/w"}}}}]}}`, `{"HostConfig":{"Mounts":[{"Type":"volume",` +
		`"Target":"/x","VolumeOptions":` +
		`{"DriverConfig":{"Options":{"o":"rbind","device":"/T/w"}}}}]}}`},
	{decoded, `{"HostConfig":{"Binds":["/w/f:/x"]}}`, ""},
	{decoded, `{"HoſtConfig":{"bINDS":["/w/f:/x"]}}`, ""},
	{decodedOld, `{"HostConfig":{"Binds":["/r/a:/x"]},"Cmd":"sh"}`,
		`{"HostConfig":{"Binds":["/T/ro/a:/x"]},"Cmd":"sh"}`},
	{decodedMounts, `{"HostConfig":{"Binds":["/w/f:/x"],"Memory":"1"}}`, ""},
	{decoded, `{"HostConfig":{"Binds":["/w/f:/x"],"binds":["/w/f:/y"]}}`,
		`{"HostConfig":{"Binds":["/T/w/f:/x"],"binds":["/w/f:/y"]}}`},
	{twice, `{"HostConfig":{"Binds":["/w/f:/x"],"binds":["/w/f:/y"]}}`, ""},
	{twice, `{"HostConfig":{},"hostconfig":{"Binds":["/w/f:/x"]}}`,
		`{"HostConfig":{},"hostconfig":{"Binds":["/T/w/f:/x"]}}`},
	{decoded, `{"HostConfig":{"Binds":["/w/sub:/x"]}}`,
		`{"HostConfig":{"Binds":["/T/w/sub:/x"]}}`},
	{decoded, `{"HostConfig":{"Binds":["/w/sub:/x"]}}`,
		`{"HostConfig":{"Binds":["/T/w/sub:/x","/T/d:/x/deep"]}}`},
	{decoded, `{"HostConfig":{"Binds":["/w/sub:/x","/w/f:/x/deep"]}}`,
		`{"HostConfig":{"Binds":["/T/w/sub:/x","/T/d:/x/deep:ro","/T/w/f:/x/deep"]}}`},
	{others, `{"x":[1.0],"HostConfig":{}}`, `{"x":[1],"HostConfig":{}}`},
	{bytesKept, `{"x":[1,2],"HostConfig":{}}`, `{"x":[1, 2],"HostConfig":{}}`},
	{bytesKept, `{"x":"\u0041","HostConfig":{}}`, `{"x":"A","HostConfig":{}}`},
	{bytesKept, `{"x":1,"x":2,"HostConfig":{}}`, `{"x":3,"x":2,"HostConfig":{}}`},
	{decodes, `{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/r/a","Target":"/x",` +
		`"ReadOnly":"no"}]}}`,
		`{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/T/ro/a","Target":"/x",` +
			`"ReadOnly":true}]}}`},
	{decodes, `{"HostConfig":{}}`, `{"HostConfig":{}`},
	{unknownType, `{"HostConfig":{"Mounts":[{"Type":"glob","Source":"etc","Target":"/x"}]}}`, ""},
	{unknownType, `{"HostConfig":{"Mounts":[{"Target":"/x"}]}}`, ""},
	{unknownType, `{"HostConfig":{"Mounts":[{"Type":"tmpfſ","Target":"/x"}]}}`, ""},
	{unknownDriver, `{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Options":` +
		`{"type":"overlay","o":"lowerdir+=etc,lowerdir+=usr"}}}}]}}`, ""},
	{unknownDriver, `{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Name":"local-persist",` +
		`"Options":{"mountpoint":"/etc"}}}}]}}`, ""},
	{unknownDriver, `{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Options":` +
		`{"type":"ext4","device":"/dev/sda"}}}}]}}`, ""},
	{unknownDriver, `{"HostConfig":{"Mounts":[{"Type":"volume","Target":"/x",` +
		`"VolumeOptions":{"DriverConfig":{"Options":` +
		`{"type":"tmpfs","type":"none","o":"remount","device":"/etc"}}}}]}}`, ""},
	{volumesRO, `{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v","Target":"/x",` +
		`"ReadOnly":true,"VolumeOptions":{"DriverConfig":` +
		`{"Options":{"type":"none","o":"ro,bind,rw",` +
		`"device":"/r/a"}}}}]}}`, `{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v",` +
		`"Target":"/x","ReadOnly":true,` +
		`"VolumeOptions":{"DriverConfig":{"Options":{"type":"none","o":"ro,bind,rw",` +
		`"device":"/T/ro/a"}}}}]}}`},
	{volumeKeys, `{"Volumes":{"/etc:/x":{}}}`, ""},
	{commas, `{"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/x,source=/etc"}]}}`, ""},
}

func TestWrongAnswersAreNoticed(t *testing.T) {
	for _, c := range wrong {
		if c.answer == "" {
			c.answer = c.body // passed on as it is
		}
		var found []string
		for _, complaint := range testWorld.judge([]byte(c.body), accepted(c.answer)).complaints {
			found = append(found, complaint.promise)
		}
		if !strings.Contains(strings.Join(found, "\n"), c.promise) {
			t.Errorf("%s: wanted %q, got %q", c.body, c.promise, found)
		}
	}
}

func TestHarmlessOnesPass(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"HostConfig":null}`, `{"HostConfig":{"Binds":null,` +
			`"Mounts":[]}}`, `{"Volumes":{"/b:z":{}}}`,
		`{"Host\u0000Config":{"Binds":["/etc:/x"]}}`, `{"Bınds":["/etc:/x"]}`,
		`{"x":{"HostConfig":{"Binds":["/etc:/x"]}}}`,
		`{"HostConfig":{"Binds":["vol:/x","/lone"],"Mounts":[{"Type":"volume","Target":"/x",` +
			`"VolumeOptions":{"DriverConfig":` +
			`{"Name":"nfs"}}},{"Type":"volume","Target":"/y",` +
			`"VolumeOptions":{"DriverConfig":{"Options":{"type":"nfs4","o":"addr=1.2.3.4",` +
			`"device":":/x"}}}},{"Type":"image","Source":"alpine","Target":"/z"}]}}`,
	} {
		if v := testWorld.judge([]byte(body), accepted(body)); len(v.complaints) > 0 {
			t.Errorf("%s: %v", body, v.complaints)
		}
	}
}

func TestRefusals(t *testing.T) {
	body := []byte(`{"HostConfig":{"Binds":["/etc:/x"]}}`)
	for _, c := range []struct {
		promise string
		answer  answer
	}{
		{"", answer{1, nil, []byte("dindbind: /etc: no\n")}},
		{"", answer{1, nil, []byte("dindbind: /etc: no\ndindbind: /: no\n")}},
		{refusals, answer{1, []byte("{"), []byte("dindbind: /etc: no\n")}},
		{refusals, answer{1, nil, nil}},
		{refusals, answer{1, nil, []byte("dindbind: /etc: no")}},
		{refusals, answer{1, nil, []byte("dindbind: /etc\n: no\n")}},
		{status, answer{2, nil, []byte("dindbind: usage\n")}},
		{status, answer{-1, nil, nil}},
		{quiet, answer{0, body, []byte("dindbind: hm\n")}},
	} {
		complaints := testWorld.judge(body, c.answer).complaints
		if c.promise == "" && len(complaints) > 0 || c.promise != "" &&
			(len(complaints) == 0 || complaints[0].promise != c.promise) {
			t.Errorf("%+v: wanted %q, got %v", c.answer, c.promise, complaints)
		}
	}
}

// names are the keys of a declaration.
func names(t reflect.Type, into map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		names(t.Elem(), into)
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			if tag := f.Tag.Get("json"); tag != "" {
				into[tag] = true
			} else if !f.Anonymous && f.IsExported() {
				into[f.Name] = true
			}
			if f.IsExported() || f.Anonymous {
				names(f.Type, into)
			}
		}
	}
}

func TestBodiesHaveEveryField(t *testing.T) {
	all := map[string]bool{}
	names(reflect.TypeOf(Request{}), all)
	names(reflect.TypeOf(OldRequest{}), all)
	count := len(all)
	for i := 0; i < 6000 && len(all) > 0; i++ {
		body := string(bodyFor(testWorld, 1, i))
		for name := range all {
			if strings.Contains(body, `"`+name+`"`) {
				delete(all, name)
			}
		}
	}
	if count < 150 || len(all) > 0 {
		t.Errorf("of %d names these are never there: %v", count, keys(all))
	}
}

func TestASeedIsOneBody(t *testing.T) {
	for i := 0; i < 300; i++ {
		if !bytes.Equal(bodyFor(testWorld, 7, i), bodyFor(testWorld, 7, i)) {
			t.Fatal(i)
		}
	}
}

// The spans of the second reader are those of encoding/json.
func TestTree(t *testing.T) {
	for i := 0; i < 3000; i++ {
		text := bodyFor(testWorld, 2, i)
		if !json.Valid(text) {
			continue
		}
		n, d := parse(text), json.NewDecoder(bytes.NewReader(text))
		var whole json.RawMessage
		if err := d.Decode(&whole); err != nil || n.raw(text) != string(whole) {
			t.Fatalf("%q: %v", text, err)
		}
		members := map[string]json.RawMessage{}
		json.Unmarshal(text, &members)
		for _, m := range n.members {
			members[m.key.str(text)] = nil
			if !json.Valid(text[m.value.start:m.value.end]) {
				t.Fatalf("%q: %q", text, m.value.raw(text))
			}
		}
		for key, value := range members {
			if value != nil {
				t.Fatalf("%q: %q is missing", text, key)
			}
		}
	}
}

func TestMinimise(t *testing.T) {
	got := minimise([]byte(`{"a":[1,{"b":"\u0041"},3],"c":{"d":null}}`), func(text []byte) bool {
		var any any
		json.Unmarshal(text, &any)
		return strings.Contains(fmt.Sprint(any), "b:A")
	})
	if string(got) != `{"a":[{"b":"A"}]}` {
		t.Errorf("%s", got)
	}
}

// The answers that are due are those of the real tool, where there is one.
func TestRealAnswers(t *testing.T) {
	tool := os.Getenv("DINDBIND")
	if tool == "" {
		t.Skip("no $DINDBIND")
	}
	if _, err := exec.LookPath(tool); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t.TempDir())
	if err := w.make(); err != nil {
		t.Fatal(err)
	}
	for _, c := range right {
		a, err := w.run(tool, []byte(c[0]))
		if want := strings.ReplaceAll(c[1], "/T/", w.dir+"/"); err != nil ||
			string(a.out) != want {
			t.Errorf("%s: %v, %s, %s", c[0], err, a.out, a.errors)
		}
	}
}
