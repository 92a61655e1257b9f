// Bodies at random, from the field names of the declarations.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"net/netip"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"
	"unicode"
)

// generator makes one body. It is calm, and then makes what a client might send, in any spelling;
// or crooked, and now and then what is to be mounted is not what it should be; or wild, and
// nothing need be.
type generator struct {
	r       *rand.Rand
	w       *world
	crooked float64
	wild    float64
	spaces  bool
	old     bool // of a client that knows nothing of HostConfig, before API 1.15
	sources []string
	targets []string
}

func newGenerator(w *world, seed int64) *generator {
	g := &generator{r: rand.New(rand.NewSource(seed)), w: w}
	g.crooked = []float64{0, 0, 0, 0, 0, 0.1, 0.1, 0.02, 0.03, 0.12}[g.r.Intn(10)]
	if g.crooked != 0.1 {
		g.wild = g.crooked
	}
	g.spaces, g.old = g.chance(0.3), g.chance(0.02)
	for source := range w.places {
		g.sources = append(g.sources, source)
	}
	sort.Strings(g.sources) // a map has no order, a seed means one body
	return g
}

func (g *generator) chance(p float64) bool     { return g.r.Float64() < p }
func (g *generator) odd() bool                 { return g.chance(g.wild) }
func (g *generator) off() bool                 { return g.chance(g.crooked) }
func (g *generator) pick(list []string) string { return list[g.r.Intn(len(list))] }

// ---- spelling ---------------------------------------------------------------

// Runes that stand for what no Go string can be: halves of surrogate pairs, bytes that are no
// UTF-8.
var spelled = map[rune]string{
	'\ue001': `\udcff`, '\ue002': `\udcc3\udca9`, '\ue003': `\ud800`,
	'\ue004': `\u0000`, '\ue005': "\xff",
	'\ue006': `\udcc5\udcbf`, '\ue007': "\xc0\xaf",
	'\ue008': `\ud83d\u0041`, '\ue009': "\x01", '\ue00a': `\q`,
}

func (g *generator) space() string {
	if !g.spaces || g.chance(0.6) {
		return ""
	}
	return g.pick([]string{" ", "\n", "\t", "\r\n", "  ", " \t "})
}

func (g *generator) quote(s string) string {
	var b strings.Builder
	escapes := 0.0
	if g.chance(0.2) {
		escapes = 0.4
	}
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case spelled[c] != "":
			b.WriteString(spelled[c])
		case c == '"' || c == '\\' || c < 0x20 || g.chance(escapes):
			b.WriteString(g.escape(c))
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (g *generator) escape(c rune) string {
	if i := strings.IndexRune("\"\\/\b\f\n\r\t", c); i >= 0 && g.chance(0.5) {
		return `\` + `"\/bfnrt`[i:i+1]
	}
	format := g.pick([]string{`\u%04x`, `\u%04X`})
	if c < 0x10000 {
		return fmt.Sprintf(format, c)
	}
	c -= 0x10000
	return fmt.Sprintf(format+format, 0xd800+c>>10, 0xdc00+c&0x3ff)
}

// folded is a key in another spelling that encoding/json takes for the same field of a struct.
func (g *generator) folded(name string) string {
	if g.chance(0.7) {
		return name
	}
	var b strings.Builder
	for _, c := range name {
		if g.chance(0.5) {
			c = unicode.ToLower(c)
		} else {
			c = unicode.ToUpper(c)
		}
		if strings.ContainsRune("kKsS", c) && g.chance(0.3) {
			c = map[bool]rune{true: '\u212a', false: '\u017f'}[c == 'k' || c == 'K']
		}
		b.WriteRune(c)
	}
	return b.String()
}

// part of an object: its value is made anew each time that it is asked for.
type part struct {
	name  string
	value func() string
}

// Keys that stand twice in a wild body only.
var important = " HostConfig Binds Mounts Tmpfs Volumes Type Source Target ReadOnly " +
	"BindOptions NonRecursive " +
	"CreateMountpoint ReadOnlyNonRecursive VolumeOptions DriverConfig Name Options type o device "

// Keys that are near a field, and none.
var near = []string{"HostConfigs", "Host Config", "B\u0130NDS", "B\u0131nds", "Mount", "x-",
	"", "Source", "o", "device",
	"Host\ue004Config", "HostConf\u0261g", "Bind\ue006", "Mount\ue001", "BindsBinds",
	"__proto__", "Type ", "\u212a\u212a",
	strings.Repeat("HostConfig",
		8), "Mounts\u017f", "ReadOnly\u200b", "binds\ue003", "\U0001d4e3ype"}

// object spells it: in any order, with members that nobody knows, with a key twice.
func (g *generator) object(parts []part, isStruct bool) string {
	parts = append([]part(nil), parts...)
	if len(parts) > 0 {
		again := parts[g.r.Intn(len(parts))]
		mayRepeat := g.chance(0.03) && !strings.Contains(important, " "+again.name+" ")
		if mayRepeat || g.odd() {
			parts = append(parts, again)
		}
	}
	if isStruct && g.chance(0.1) {
		if key := g.pick(near); !known(parts, key) {
			parts = append(parts, part{key, func() string { return g.anything(g.r.Intn(5)) }})
		}
	}
	g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	var b strings.Builder
	b.WriteString("{" + g.space())
	for i, p := range parts {
		if i > 0 {
			b.WriteString("," + g.space())
		}
		key := p.name
		if isStruct {
			key = g.folded(key)
		}
		b.WriteString(g.quote(key) + g.space() + ":" + g.space())
		if g.odd() {
			b.WriteString(g.anything(2))
		} else {
			b.WriteString(p.value())
		}
		b.WriteString(g.space())
	}
	return b.String() + "}"
}

func known(parts []part, key string) bool {
	for _, p := range parts {
		if strings.EqualFold(p.name, key) {
			return true
		}
	}
	return false
}

func (g *generator) array(n int, element func() string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = g.space() + element() + g.space()
	}
	return "[" + strings.Join(list, ",") + "]"
}

// ---- values -----------------------------------------------------------------

var numbers = []string{"0", "-0", "1", "42", "1.0", "1e3", "1E+2", "-1e-5", "0.1", "1e999",
	"9007199254740993",
	"18446744073709551616", "-9223372036854775809", "123456789012345678901234567890.5"}

var strange = []string{"", "a", "/", "alpine:latest", "é😀", "\u2028\u2029", `"quoted"`,
	`back\slash`, "tab\tline\n",
	"a,b", "k=v", "/etc:/x", "\u007f\u0080", "null", "<script>&amp;", "\ufeff", "\ufffd"}

var brokenText = []string{"\ue001", "\ue002", "\ue003", "\ue004", "\ue005", "\ue006",
	"\ue007", "\ue008", "\ue009", "\ue00a"}

func (g *generator) text() string {
	s := g.pick(strange)
	if g.odd() {
		s += g.pick(brokenText)
	}
	return s
}

// anything has what would be a bind elsewhere.
func (g *generator) anything(depth int) string {
	if depth > 3 && g.odd() {
		depth = 250 + g.r.Intn(20)
		return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth)
	}
	switch n := g.r.Intn(9); {
	case n == 0:
		return "null"
	case n == 1:
		return g.pick([]string{"true", "false"})
	case n == 2:
		return g.pick(numbers)
	case n == 3:
		return g.quote(g.text())
	case n == 4:
		return g.pick([]string{`{"Binds":["/etc:/x"]}`, `["/etc:/x","/w:/y"]`,
			`[{"Type":"bind","Source":"/etc","Target":"/x"}]`})
	case depth <= 0:
		return g.pick([]string{"{}", "[]", `""`})
	case n < 7:
		return g.array(g.r.Intn(4), func() string { return g.anything(depth - 1) })
	default:
		var parts []part
		for _, name := range []string{"Binds", "Source", "HostConfig", "device",
			"x"}[:g.r.Intn(5)] {
			parts = append(parts, part{name, func() string { return g.anything(depth - 1) }})
		}
		return g.object(parts, false)
	}
}

// How often a field is there. Of all others one in a dozen, and more in what is small.
var density = map[string]float64{"HostConfig": 0.97, "NetworkingConfig": 0.1,
	"EndpointsConfig": 0.8,
	"Binds":           0.8, "Mounts": 0.75, "Tmpfs": 0.15, "Volumes": 0.15}

const large = 15 // fields

// fields are those of a struct, with those that are promoted.
func (g *generator) fields(t reflect.Type, top bool) []part {
	var parts []part
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		name := f.Name
		if tag := f.Tag.Get("json"); tag != "" {
			name = tag
		} else if f.Anonymous {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			parts = append(parts, g.fields(inner, top)...)
			continue
		}
		often, ok := density[name]
		if !ok {
			often = 0.08
			if t.NumField() < large && !top && !strings.HasSuffix(t.Name(), "HostConfig") {
				often = 0.3
			}
		}
		if top && name == "HostConfig" && g.old {
			often = 0.2
		}
		if top && !g.old && (name == "Binds" || name == "Mounts" || name == "Tmpfs") {
			often = g.wild // docker 20.10 reads them there
		}
		if g.chance(often) {
			parts = append(parts, part{name, func() string { return g.field(name, f.Type) }})
		}
	}
	return parts
}

// field is where mounts come from, or anything else.
func (g *generator) field(name string, t reflect.Type) string {
	if g.chance(0.02) {
		return "null"
	}
	switch name {
	case "Binds":
		return g.array(g.r.Intn(4), g.bind)
	case "Mounts":
		return g.array(g.r.Intn(4), g.mount)
	case "Tmpfs":
		return g.places(func() string { return g.quote(g.text()) })
	case "Volumes":
		return g.places(func() string { return "{}" })
	}
	return g.value(t)
}

// value is one that the type takes.
func (g *generator) value(t reflect.Type) string {
	switch t {
	case reflect.TypeOf(netip.Addr{}):
		return g.quote(g.pick([]string{"", "127.0.0.1", "::1", "fe80::1%eth0", "10.0.0.255"}))
	case reflect.TypeOf(HardwareAddr{}):
		return g.quote(g.pick([]string{"", "02:42:ac:11:00:02"}))
	case reflect.TypeOf(Port{}):
		return g.quote(g.pick([]string{"80/tcp", "53/udp", "8080"}))
	case reflect.TypeOf(Words{}):
		if g.chance(0.3) {
			return g.quote(g.text())
		}
	case reflect.TypeOf(os.FileMode(0)), reflect.TypeOf(time.Duration(0)):
		return g.pick([]string{"0", "448", "1000000000"})
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem())
	case reflect.Bool:
		return g.pick([]string{"true", "false"})
	case reflect.String:
		return g.quote(g.text())
	case reflect.Struct:
		return g.object(g.fields(t, false), true)
	case reflect.Slice:
		return g.array(g.r.Intn(3), func() string { return g.value(t.Elem()) })
	case reflect.Array:
		return g.array(t.Len(), func() string { return g.value(t.Elem()) })
	case reflect.Map:
		return g.mapping(t)
	default:
		return g.pick([]string{"0", "1", "-0", "255", "64"})
	}
}

func (g *generator) mapping(t reflect.Type) string {
	var parts []part
	for n := g.r.Intn(3); n > 0; n-- {
		var key string
		json.Unmarshal([]byte(g.value(t.Key())), &key)
		parts = append(parts, part{key, func() string { return g.value(t.Elem()) }})
	}
	return g.object(parts, false)
}

// ---- mounts -----------------------------------------------------------------

var badSources = []string{"/etc", "/", "", ".", "/wx", "/w/missing", "/w/../etc", "/w/out",
	"/w/abs", "/w/cross", "/w/loop",
	"/w/up", "/w/f/x", "w", "./w", "../w", "/bad", "/bad/x", "/W", "/w/K",
	"/proc/self/root", `\etc`, `C:\w`, "~", "//", "/..",
	"/w/\ue001", "/w/\ue002", "/w\ue004", "/w/\ue003", "/w/\ue005", "/r/../../etc",
	"/sub", "/w/sub/deep/nope",
	"/w/" + strings.Repeat("x", 300)}

// source is one that can be translated, not always written as it is. `without` is what it must
// not contain.
func (g *generator) source(without string) string {
	if g.off() {
		return g.pick(badSources)
	}
	source := g.pick(g.sources)
	if strings.Contains(source+g.w.places[source].host[len(g.w.dir):], without) && !g.off() {
		source = "/w"
	}
	if g.chance(0.25) {
		slash := strings.LastIndexByte(source, '/')
		source = source[:slash] + g.pick([]string{"/", "//", "/./", "/x/../"}) +
			source[slash+1:] +
			g.pick([]string{"", "/", "/.", "//", "/y/.."})
	}
	return source
}

func (g *generator) target() string {
	if g.off() {
		return g.pick([]string{"/", "", "relative", "/t,source=/etc", "/t:ro", "/t/1",
			"/t\ue001", "/t\ue002", "/t\ue004", `\t`,
			"/..", "/x/../x", strings.Repeat("/long", 850)})
	}
	target := fmt.Sprintf("/t/%d", len(g.targets))
	if g.chance(0.1) {
		target += odd
	}
	if len(g.targets) > 0 && g.chance(0.2) {
		// perhaps where a mount below would be
		below := g.pick(g.targets) + g.pick([]string{"/n", "/sub", "/sub/deep", "/sub/deep/x",
			"/n/in", "/sub/de"})
		if !strings.Contains(" "+strings.Join(g.targets, " ")+" ", " "+below+" ") {
			target = below
		}
	}
	g.targets = append(g.targets, target)
	if g.chance(0.15) {
		slash := strings.LastIndexByte(target, '/')
		target = target[:slash] + g.pick([]string{"//", "/./", "/q/../"}) +
			target[slash+1:] + g.pick([]string{"", "/", "/."})
	}
	return target
}

// One list of each kind, of which a bind has one; the last ones are podman's.
var modes = [][]string{{"ro", "rw"}, {"z", "Z"}, {"private", "rprivate", "shared", "rshared",
	"slave", "rslave"},
	{"nocopy", "copy"}, {"consistent", "cached", "delegated"}, {"exec", "noexec"}, {"dev",
		"nodev"}, {"suid", "nosuid"},
	{"bind", "rbind"}, {"U", "O"}}

func (g *generator) modes() string {
	var list []string
	for _, kind := range g.r.Perm(len(modes))[:g.r.Intn(3)] {
		list = append(list, g.pick(modes[kind]))
	}
	if g.off() {
		list = append(list, g.pick([]string{"ro", "rw", "", "RO", "bogus", "ro:z", "z,z",
			"idmap=uids=0-1-10", "ro\ue004"}))
	}
	return strings.Join(list, ",")
}

func (g *generator) bind() string {
	if g.off() && g.chance(0.2) {
		return g.anything(1)
	}
	target := g.target()
	switch {
	case g.off():
		return g.quote(g.pick([]string{"", ":", "/w", "/w:", ":/x", "/w:ro", "/w:x", "./w:/x",
			"a:/x", "w/n:/x", "../w:/x",
			"C:\\w:/x", "/w:/x:ro:z", "vol:/x:ro:/w"}))
	case g.chance(0.08):
		return g.quote(g.pick([]string{"vol", "my_vol.2", "0-9"}) + ":" + target)
	case g.chance(0.05):
		return g.quote(target)
	}
	text := g.source(":") + ":" + target
	if g.chance(0.5) {
		text += ":" + g.modes()
	}
	return g.quote(text)
}

// places are keys that are targets.
func (g *generator) places(value func() string) string {
	if g.off() {
		return g.array(1+g.r.Intn(2), func() string { return g.anything(1) })
	}
	var parts []part
	for n := g.r.Intn(3); n > 0; n-- {
		target := g.target()
		if g.off() {
			target = g.pick([]string{"/b:z", "/etc:/x", "/etc:/x:ro", ":/x", "./w:/x", "b:z"})
		}
		parts = append(parts, part{target, value})
	}
	return g.object(parts, false)
}

func (g *generator) mount() string {
	if g.off() && g.chance(0.2) {
		return g.anything(1)
	}
	kind := g.pick([]string{"bind", "bind", "bind", "bind", "volume", "volume", "volume",
		"tmpfs", "image",
		"cluster", "npipe"})
	source := map[string]string{"volume": "vol", "image": "alpine", "cluster": "group:g",
		"npipe": `\\.\pipe\x`}[kind]
	if kind == "bind" {
		source = g.source(",")
	}
	more := kind
	if g.off() {
		kind = g.pick([]string{strings.ToUpper(kind), strings.ToUpper(kind[:1]) + kind[1:],
			"", "glob", "overlay", "devpts", "ramfs", "artifact",
			"b\u0131nd", "bind ", "tmpf\u017f", "none", "volumes"})
	}
	if g.off() {
		source = g.source("")
	}
	target := g.target()
	parts := []part{
		{"Type", func() string { return g.quote(kind) }},
		{"Target", func() string { return g.quote(target) }},
	}
	if source != "" || g.chance(0.5) {
		parts = append(parts, part{"Source", func() string { return g.quote(source) }})
	}
	return g.object(append(parts, g.mountOptions(more)...), true)
}

// mountOptions are the other fields of a mount: those of its type, and in a wild one those of
// others.
func (g *generator) mountOptions(kind string) []part {
	var parts []part
	t := reflect.TypeOf(Mount{})
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		value := func() string { return g.value(f.Type) }
		often := g.crooked / 2
		switch f.Name {
		case "Type", "Source", "Target":
			continue
		case "ReadOnly":
			often = 0.4
		case "Consistency":
			often, value = 0.1, func() string {
				return g.quote(g.pick([]string{"default",
					"cached", ""}))
			}
		case "BindOptions":
			value = func() string { return g.object(g.bindOptions(f.Type.Elem()), true) }
		case "VolumeOptions":
			value = func() string { return g.object(g.volumeOptions(f.Type.Elem()), true) }
		}
		if strings.HasPrefix(strings.ToLower(f.Name), kind) && kind != "" {
			often = 0.6
		}
		if g.chance(often) {
			parts = append(parts, part{f.Name, value})
		}
	}
	return parts
}

func (g *generator) bindOptions(t reflect.Type) []part {
	var parts []part
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		value := func() string { return g.value(f.Type) }
		if f.Name == "Propagation" {
			value = func() string { return g.quote(g.pick(append(modes[2], ""))) }
		}
		if g.chance(0.3) {
			parts = append(parts, part{f.Name, value})
		}
	}
	return parts
}

func (g *generator) volumeOptions(t reflect.Type) []part {
	var parts []part
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		value, often := func() string { return g.value(f.Type) }, 0.15
		switch f.Name {
		case "Subpath":
			value = func() string { return g.quote("sub/path") }
		case "Labels":
			value = func() string { return g.options("a,b", "c,source=/etc") }
		case "DriverConfig":
			value, often = g.driver, 0.8
		}
		if g.chance(often) {
			parts = append(parts, part{f.Name, value})
		}
	}
	return parts
}

// options is a map of strings.
func (g *generator) options(list ...string) string {
	var parts []part
	for i := 0; i+1 < len(list); i += 2 {
		value := list[i+1]
		parts = append(parts, part{list[i], func() string { return g.quote(value) }})
	}
	return g.object(parts, false)
}

func (g *generator) driver() string {
	name := g.pick([]string{"", "local", "local"})
	options := [][]string{
		{"type", "none", "o", g.pick([]string{"bind", "bind,ro", "rbind", "noexec,rbind",
			"rbind,rslave"}), "device", g.source("\xff")},
		{"type", "none", "o", "bind", "device", g.source("\xff")},
		{"type", "", "o", "rw,bind", "device", g.source("\xff"), "size", "1g"},
		{"type", "tmpfs", "o", "size=100m,uid=1000", "device", "tmpfs"},
		{"type", g.pick([]string{"nfs", "nfs4"}), "o", "addr=10.0.0.1,rw", "device", ":/export"},
		{"type", "cifs", "o", "username=u,password=p", "device", "//host/share"},
		{},
		{"type", "none", "o", "bind", "device", g.source("\xff")},
		{"type", "none", "o", "bind,ro", "device", g.source("\xff")},
	}[g.r.Intn(9)]
	if g.off() {
		options = [][]string{
			{"type", "overlay", "o", "lowerdir+=etc,lowerdir+=usr", "device", "overlay"},
			{"type", "overlay", "o", "lowerdir=/etc:/usr", "device", "overlay"},
			{"type", "ext4", "device", "/dev/sda1"},
			{"type", "ext4", "o", "ro", "device", "/dev/sda1"},
			{"type", "nfsd", "device", "nfsd"},
			{"type", "none", "o", "Bind", "device", "/etc"},
			{"type", "none", "o", "bind ", "device", "/etc"},
			{"type", "none", "o", "xbind", "device", "/etc"},
			{"type", "none", "O", "bind", "device", "/etc"},
			{"type", "none", "o", "bind", "Device", "/etc"},
			{"type", "bind", "device", "/etc"},
			{"type", "none", "o", "remount", "device", "/etc"},
			{"type", "tmpfs", "o", "bind", "device", "/etc"},
			{"type", "nfs4", "o", "addr=1.2.3.4,rbind", "device", "/etc"},
			{"type", "none", "o", "bind", "device", g.pick(badSources)},
			{"mountpoint", "/etc"},
			{"type", "9p", "o", "trans=virtio", "device", "hostshare"},
			{"device", "/etc"},
			{"o", "bind"},
			{"type", "none", "o", "bind,ro,rw", "device", "/r/a"},
		}[g.r.Intn(20)]
	}
	if g.off() {
		name = g.pick([]string{"local-persist", "Local", "nfs", "rexray", "local "})
	}
	var parts []part
	if name != "" || g.chance(0.3) {
		parts = append(parts, part{"Name", func() string { return g.quote(name) }})
	}
	if len(options) > 0 || g.chance(0.3) {
		parts = append(parts, part{"Options", func() string { return g.options(options...) }})
	}
	return g.object(parts, true)
}

// ---- the whole --------------------------------------------------------------

func (g *generator) body() []byte {
	t := reflect.TypeOf(Request{})
	if g.old || g.chance(0.3) {
		t = reflect.TypeOf(OldRequest{})
	}
	text := g.space() + g.object(g.fields(t, true), true) + g.space()
	if g.odd() {
		at := g.r.Intn(len(text))
		text = []string{text[:at], text + "]", text + "{}", "\ufeff" + text, text + "\x00",
			"[" + text + "]",
			text[:at] + string(rune(g.r.Intn(0x80))) + text[at+1:], text[:at] + "\xff" +
				text[at:]}[g.r.Intn(8)]
	}
	return []byte(text)
}
