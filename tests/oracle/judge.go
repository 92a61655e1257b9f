// Is an answer right? Judged by what encoding/json makes of the request and of the answer, and by
// their bytes.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"sort"
	"strings"
)

// The promises. Each is one case of the test, whatever number of bodies it was looked at with.
const (
	status        = "the exit status is 0 or 1"
	refusals      = "a refusal prints nothing on standard output, and whole lines on standard error"
	quiet         = "an answer comes without a complaint"
	decodes       = "what the daemon can decode it still can, what it cannot it still cannot"
	bytesKept     = "every byte but those of sources, ro and mounts below is kept"
	decoded       = "docker 29 decodes the same request but for translated sources"
	decodedOld    = "docker 20.10 decodes the same request but for translated sources"
	decodedMounts = "what mounts something is the same but for translated sources"
	others        = "what is decoded without types differs in Binds and Mounts only"
	untranslated  = "no source that the daemon would bind is left as it was"
	unknownType   = "a mount is of a type that is known"
	unknownDriver = "a volume with options is local, of a type that names no directory of the host"
	volumesRO     = "a volume of what is read-only is so by its own options, whoever mounts it"
	volumeKeys    = "no key of Volumes is a bind for podman"
	commas        = "no string of a mount is two options for podman"
	twice         = "a key that matters stands there once"
)

var promises = []string{status, refusals, quiet, decodes, bytesKept, decoded, decodedOld,
	decodedMounts, others,
	untranslated, unknownType, unknownDriver, volumesRO, volumeKeys, commas, twice}

// answer is what dindbind made of a body.
type answer struct {
	status      int
	out, errors []byte
}

// verdict is what is wrong, and what was in it, so that nobody takes a test of refusals for a
// test.
type verdict struct {
	complaints                             []complaint
	accepted                               bool
	binds, mounts, volumes, belows, madeRO int
	edits                                  []edit // of what the answer has and the request has not
}

func (v *verdict) complain(promise, format string, arguments ...any) {
	v.complaints = append(v.complaints, complaint{promise, fmt.Sprintf(format, arguments...)})
}

// judge looks at one body and its answer.
func (w *world) judge(body []byte, a answer) verdict {
	var v verdict
	for _, line := range strings.SplitAfter(string(a.errors), "\n") {
		if line != "" && (!strings.HasPrefix(line, "dindbind: ") || !strings.HasSuffix(line,
			"\n")) {
			v.complain(refusals, "standard error has %q", line)
		}
	}
	switch a.status {
	case 0:
		v.accepted = true
		if len(a.errors) > 0 {
			v.complain(quiet, "%q", a.errors)
		}
		w.judgeDecoded(&v, body, a.out)
		w.judgeText(&v, body, a.out)
	case 1:
		if len(a.out) > 0 || len(a.errors) == 0 {
			v.complain(refusals, "%q on standard output, %q on standard error", a.out, a.errors)
		}
	default:
		v.complain(status, "%d", a.status)
	}
	return v
}

// decode is what the daemon does with a body.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	err := d.Decode(into)
	if err == nil && d.More() {
		err = fmt.Errorf("more than one value")
	}
	return err
}

// request is one declaration of the body, and the part of it that mounts something.
type request interface {
	view() view
	set(view)
}

func (r *Request) view() view {
	var v view
	if r.Config != nil {
		v = newView(nil, nil, keys(r.Volumes)...)
	}
	if r.HostConfig != nil {
		v = newView(r.HostConfig.Binds, r.HostConfig.Mounts, append(v.targets,
			keys(r.HostConfig.Tmpfs)...)...)
	}
	return v
}

func (r *Request) set(v view) {
	if r.HostConfig != nil {
		r.HostConfig.Binds, r.HostConfig.Mounts = v.binds, v.mounts
	}
}

// host is the one that counts.
func (r *OldRequest) host() *OldHostConfig {
	if r.InnerHostConfig != nil {
		return r.InnerHostConfig
	}
	return r.OldHostConfig
}

func (r *OldRequest) view() view {
	var v view
	if r.OldConfig != nil {
		v = newView(nil, nil, keys(r.Volumes)...)
	}
	if h := r.host(); h != nil {
		v = newView(h.Binds, h.Mounts, append(v.targets, keys(h.Tmpfs)...)...)
	}
	return v
}

func (r *OldRequest) set(v view) {
	if h := r.host(); h != nil {
		h.Binds, h.Mounts = v.binds, v.mounts
	}
}

func (r *MountsOnly) view() view {
	v := newView(nil, nil, keys(r.Volumes)...)
	if h := r.HostConfig; h != nil {
		v = newView(h.Binds, h.Mounts, append(v.targets, keys(h.Tmpfs)...)...)
	}
	return v
}

func (r *MountsOnly) set(v view) {
	if r.HostConfig != nil {
		r.HostConfig.Binds, r.HostConfig.Mounts = v.binds, v.mounts
	}
}

// judgeDecoded compares what the daemon gets to see.
func (w *world) judgeDecoded(v *verdict, body, out []byte) {
	w.compare(v, decoded, body, out, &Request{}, &Request{})
	w.compare(v, decodedOld, body, out, &OldRequest{}, &OldRequest{})
	w.compare(v, decodedMounts, body, out, &MountsOnly{}, &MountsOnly{})
	if !reflect.DeepEqual(withoutTypes(body), withoutTypes(out)) {
		v.complain(others, "something else")
	}
}

func (w *world) compare(v *verdict, promise string, body, out []byte, before, after request) {
	errorBefore, errorAfter := decode(body, before), decode(out, after)
	if (errorBefore == nil) != (errorAfter == nil) {
		v.complain(decodes, "%T: %v before, %v after", before, errorBefore, errorAfter)
		return
	}
	was, is := before.view(), after.view()
	want, complaints := w.translated(was, is)
	if errorBefore != nil {
		// No daemon of this version takes it. What was decoded until then, or beside it, must not
		// bind anything as it was; the rest is for the bytes to show.
		for _, c := range complaints {
			if c.promise == untranslated {
				v.complaints = append(v.complaints, c)
			}
		}
		return
	}
	v.complaints = append(v.complaints, complaints...)
	w.judgePodman(v, before, after)
	for i, b := range is.binds {
		is.binds[i] = sameModes(b)
	}
	before.set(alike(want, was))
	if !reflect.DeepEqual(before, after) {
		v.complain(promise, "want %s, got %s", show(want), show(is))
	}
}

// alike keeps an empty list what it was: none, or one without elements.
func alike(want, was view) view {
	if len(want.binds) == 0 {
		want.binds = was.binds
	}
	if len(want.mounts) == 0 {
		want.mounts = was.mounts
	}
	return want
}

func show(v view) string {
	text, _ := json.Marshal(map[string]any{"Binds": v.binds, "Mounts": v.mounts})
	return string(text)
}

// judgePodman is for what its API makes of strings that are nothing special for docker: the keys
// of Volumes are -v options, a mount becomes a --mount option with commas between.
func (w *world) judgePodman(v *verdict, before, after request) {
	if r, ok := before.(*Request); ok && r.Config != nil {
		for key := range r.Volumes {
			if fields := strings.Split(key, ":"); len(fields) > 1 && fields[0] != "" &&
				strings.HasPrefix(fields[1], "/") {
				v.complain(volumeKeys, "%q", key)
			}
		}
	}
	for _, m := range after.view().mounts {
		texts := []string{m.Type, m.Source, m.Target, m.Consistency}
		if m.BindOptions != nil {
			texts = append(texts, m.BindOptions.Propagation)
		}
		if m.VolumeOptions != nil {
			texts = append(texts, m.VolumeOptions.Subpath)
		}
		if text := strings.Join(texts, " "); strings.Contains(text, ",") {
			v.complain(commas, "%q", text)
		}
	}
}

// withoutTypes is everything, unknown members too, but for what judgeText looks at element by
// element.
func withoutTypes(text []byte) any {
	var all map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.Decode(&all)
	for key, value := range all {
		host, ok := value.(map[string]any)
		if !ok || !strings.EqualFold(key, "HostConfig") {
			continue
		}
		for name := range host {
			if strings.EqualFold(name, "Binds") || strings.EqualFold(name, "Mounts") {
				delete(host, name)
			}
		}
	}
	return all
}

// ---- byte by byte -----------------------------------------------------------

// edit takes a change back: the bytes of the answer from start to end were these.
type edit struct {
	start, end int
	was        string
}

// texts is a request and its answer, while one is compared with the other.
type texts struct {
	*verdict
	world     *world
	body, out []byte
	view      view
	soft      bool // no daemon takes the request: what a mount below would be, is anybody's guess
}

// judgeText takes back what had to change, and then all bytes must be the same.
func (w *world) judgeText(v *verdict, body, out []byte) {
	if !json.Valid(body) || !json.Valid(out) {
		v.complain(decodes, "no JSON: valid before %v, after %v", json.Valid(body),
			json.Valid(out))
		return
	}
	var only MountsOnly
	t := &texts{verdict: v, world: w, body: body, out: out, soft: decode(body, &only) != nil}
	t.view = only.view()
	was, is := t.once(parse(body), parse(out), "HostConfig")
	bindsWere, bindsAre := t.once(was, is, "Binds")
	mountsWere, mountsAre := t.once(was, is, "Mounts")
	t.elements(bindsWere, bindsAre, t.bindElement)
	t.elements(mountsWere, mountsAre, t.mountElement)
	if back := undo(out, v.edits); !bytes.Equal(back, body) {
		v.complain(bytesKept, "taken back it is %q", back)
	}
}

// once is a member of both.
func (t *texts) once(was, is node, name string) (node, node) {
	before, count := was.field(t.body, name)
	after, _ := is.field(t.out, name)
	if count > 1 {
		t.complain(twice, "%s", name)
	}
	return before, after
}

// elements walks over both arrays. `compare` says how many of the answer's elements, from i on,
// one is.
func (t *texts) elements(was, is node, compare func(element node, is node, i int) int) {
	if was.kind != '[' || is.kind != '[' {
		return
	}
	i := 0
	for _, m := range was.members {
		n := compare(m.value, is, i)
		for k := i + 1; k < i+n && k < len(is.members); k++ {
			t.edits = append(t.edits, edit{is.members[k-1].value.end, is.members[k].value.end,
				""})
		}
		i += n
	}
	if i != len(is.members) {
		t.complain(bytesKept, "%d elements of Binds or Mounts where %d are expected",
			len(is.members), i)
	}
}

func (t *texts) bindElement(element, is node, i int) int {
	text := element.str(t.body)
	e := t.world.bind(t.view, text)
	if element.kind != '"' || !e.translated {
		return 1
	}
	t.binds++
	if !t.isBind(element, is, i, text, e.place.host, "", e.place.ro) {
		return 1
	}
	t.edits = append(t.edits, edit{is.members[i].value.start, is.members[i].value.end,
		element.raw(t.body)})
	n := 1
	for _, b := range e.belows {
		if t.isBind(element, is, i+n, text, b.host, e.target+b.rest, b.ro) {
			n++
			t.belows++
		} else if !t.soft {
			t.complain(bytesKept, "no bind for %s", b.host)
		}
	}
	return n
}

// isBind is whether an element of the answer is what is due. Where ro was put in, the order of
// modes is free.
func (t *texts) isBind(was, is node, i int, text, host, target string, ro bool) bool {
	if i >= len(is.members) {
		return false
	}
	n := is.members[i].value
	got, want := n.str(t.out), bindText(text, host, target, ro)
	exact := want == bindText(text, host, target, false)
	if exact && got != want || sameModes(got) != sameModes(want) {
		return false
	}
	if !exact {
		t.madeRO++
	}
	return target != "" || sameSpelling(was.raw(t.body), n.raw(t.out), exact)
}

// sameSpelling is whether what comes after the source is written as it was, but for the modes if
// they have changed.
func sameSpelling(was, is string, modesToo bool) bool {
	before, after := spelling(was), spelling(is)
	if modesToo {
		return reflect.DeepEqual(before[1:], after[1:])
	}
	return before[1] == after[1]
}

var colon = regexp.MustCompile(`(?i)[^\\:]+|\\u003a|\\u[0-9a-f]{4}|\\.|:`)

// spelling is a string as it is written, from one colon to the next, each with the colon before
// it.
func spelling(raw string) []string {
	fields := []string{""}
	for _, part := range colon.FindAllString(strings.Trim(raw, `"`), -1) {
		if part == ":" || strings.EqualFold(part, `\u003a`) {
			fields = append(fields, "")
		}
		fields[len(fields)-1] += part
	}
	return fields
}

// parts of an element of Mounts that may change.
type parts struct{ source, target, readOnly node }

// mountParts finds them. The source is where the daemon looks for it.
func (t *texts) mountParts(n node, text []byte) parts {
	var p parts
	var counts [8]int
	var kind, options, driver, map_ node
	kind, counts[0] = n.field(text, "Type")
	p.source, counts[1] = n.field(text, "Source")
	p.target, counts[2] = n.field(text, "Target")
	p.readOnly, counts[3] = n.field(text, "ReadOnly")
	options, counts[4] = n.field(text, "VolumeOptions")
	driver, counts[5] = options.field(text, "DriverConfig")
	map_, counts[6] = driver.field(text, "Options")
	if kind.str(text) != "bind" {
		p.source, counts[7] = map_.entry(text, "device")
	}
	for _, c := range counts {
		if c > 1 {
			t.complain(twice, "in %s", n.raw(text))
		}
	}
	return p
}

func (t *texts) mountElement(element, is node, i int) int {
	var m Mount
	json.Unmarshal(t.body[element.start:element.end], &m) // as far as it goes
	e := t.world.mount(t.view, m)
	was := t.mountParts(element, t.body)
	if element.kind != '{' || !e.translated {
		return 1
	}
	if m.Type == "bind" {
		t.mounts++
	} else {
		t.volumes++
	}
	if !t.isMount(element, was, is, i, e.place.host, "", e.place.ro) {
		return 1
	}
	n := 1
	for _, b := range e.belows {
		if t.isMount(element, was, is, i+n, b.host, e.target+b.rest, b.ro) {
			n++
			t.belows++
		} else if !t.soft {
			t.complain(bytesKept, "no mount for %s", b.host)
		}
	}
	return n
}

// isMount is whether an element of the answer is the one of the request with another source, and
// what is due with it. With a target it is one more element, which goes as a whole when the edits
// are taken back.
func (t *texts) isMount(element node, was parts, is node, i int, host, target string,
	ro bool) bool {
	if i >= len(is.members) {
		return false
	}
	n := is.members[i].value
	got := t.mountParts(n, t.out)
	if got.source.str(t.out) != host || (target != "" && got.target.str(t.out) != target) {
		return false
	}
	edits := []edit{{got.source.start, got.source.end, was.source.raw(t.body)}}
	if target != "" {
		edits = append(edits, edit{got.target.start, got.target.end, was.target.raw(t.body)})
	}
	if ro && got.readOnly.raw(t.out) != was.readOnly.raw(t.body) {
		t.madeRO++
		edits = append(edits, t.readOnlyEdit(n, got, was))
	}
	back := undo(t.out[:n.end], edits)[n.start:]
	if string(back) != element.raw(t.body) {
		t.complain(bytesKept, "taken back an element is %q", back)
		return false
	}
	if target == "" {
		t.edits = append(t.edits, edits...)
	}
	return true
}

// readOnlyEdit takes back a ReadOnly that was put in or became true.
func (t *texts) readOnlyEdit(n node, got, was parts) edit {
	if got.readOnly.raw(t.out) != "true" {
		t.complain(bytesKept, "ReadOnly is %q", got.readOnly.raw(t.out))
	}
	if was.readOnly.kind != 0 {
		return edit{got.readOnly.start, got.readOnly.end, was.readOnly.raw(t.body)}
	}
	for i, m := range n.members {
		if m.value.start == got.readOnly.start && i > 0 {
			return edit{n.members[i-1].value.end, m.value.end, ""}
		}
	}
	return edit{}
}

// undo applies edits, which do not overlap, from the last one to the first.
func undo(text []byte, edits []edit) []byte {
	edits = append([]edit(nil), edits...)
	sort.Slice(edits, func(i, j int) bool { return edits[i].start > edits[j].start })
	back := append([]byte(nil), text...)
	for _, e := range edits {
		back = append(back[:e.start:e.start], append([]byte(e.was), back[e.end:]...)...)
	}
	return back
}
