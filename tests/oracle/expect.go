// What the daemon is to be asked for: the request with its sources translated, and what no answer
// may contain.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"fmt"
	"path"
	"regexp"
	"sort"
	"strings"
)

// view is the part of a decoded request that says what is mounted.
type view struct {
	binds   []string
	mounts  []Mount
	targets []string // of whatever has one, clean
}

func newView(binds []string, mounts []Mount, places ...string) view {
	v := view{binds: binds, mounts: mounts}
	for _, b := range binds {
		fields := strings.Split(b, ":")
		places = append(places, fields[min(1, len(fields)-1)])
	}
	for _, m := range mounts {
		places = append(places, m.Target)
	}
	for _, p := range places {
		if path.IsAbs(p) {
			v.targets = append(v.targets, path.Clean(p))
		}
	}
	return v
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	return list
}

// within is whether p is the directory itself or below it.
func within(p, directory string) bool {
	return p == directory || strings.HasPrefix(p, strings.TrimSuffix(directory, "/")+"/")
}

// covered is whether the request itself has something at the place of a mount below, or between.
func (v view) covered(target, rest string) bool {
	for _, t := range v.targets {
		if t != target && within(t, target) && within(target+rest, t) {
			return true
		}
	}
	return false
}

// expectation is what one element of Binds or Mounts becomes.
type expectation struct {
	translated bool
	place      place
	belows     []below // those that become elements of their own
	target     string  // clean
	complaints []complaint
}

// complaint is something that is wrong with an answer: which promise, and how.
type complaint struct{ promise, what string }

func (e *expectation) complain(promise, what string) {
	e.complaints = append(e.complaints, complaint{promise, what})
}

func (e *expectation) source(w *world, v view, source, target string, flat bool) {
	p, known := w.find(source)
	if !known {
		e.complain(untranslated, "the source "+source)
		return
	}
	e.translated, e.place, e.target = true, p, path.Clean(target)
	for _, b := range p.belows {
		if !flat && !v.covered(e.target, b.rest) {
			e.belows = append(e.belows, b)
		}
	}
}

var volumeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// bind reads an element of Binds as the daemon does.
func (w *world) bind(v view, text string) expectation {
	var e expectation
	fields := strings.Split(text, ":")
	switch {
	case len(fields) > 3 || fields[0] == "":
		e.complain(untranslated, "a bind that no daemon knows how to read: "+text)
	case len(fields) == 1 || volumeName.MatchString(fields[0]):
		// a volume
	default:
		flat := len(fields) == 3 && hasWord(fields[2], "bind")
		e.source(w, v, fields[0], fields[1], flat)
	}
	return e
}

func hasWord(list, word string) bool {
	return strings.Contains(","+list+",", ","+word+",")
}

// lastWord is the one of them that stands last, which is how mount options count.
func lastWord(list string, words ...string) (last string) {
	for _, option := range strings.Split(list, ",") {
		for _, word := range words {
			if option == word {
				last = word
			}
		}
	}
	return last
}

// readOnly is the modes of a bind with ro for certain.
func readOnly(modes string) string {
	var list []string
	for _, m := range strings.Split(modes, ",") {
		if m != "" && m != "rw" && m != "ro" {
			list = append(list, m)
		}
	}
	return strings.Join(append(list, "ro"), ",")
}

// bindText is the element of Binds for one source.
func bindText(text, host, target string, ro bool) string {
	fields := strings.Split(text, ":")
	if target != "" {
		fields[1] = target
	}
	fields[0] = host
	if ro && len(fields) == 2 {
		fields = append(fields, "ro")
	} else if ro && !hasWord(fields[2], "ro") {
		fields[2] = readOnly(fields[2])
	}
	return strings.Join(fields, ":")
}

// sameModes puts the modes of a bind in order, whose order means nothing.
func sameModes(text string) string {
	fields := strings.Split(text, ":")
	if len(fields) == 3 {
		modes := strings.Split(fields[2], ",")
		sort.Strings(modes)
		fields[2] = strings.Join(modes, ",")
	}
	return strings.Join(fields, ":")
}

// mount reads an element of Mounts as the daemon does: encoding/json folds keys, nobody folds a
// type.
func (w *world) mount(v view, m Mount) expectation {
	var e expectation
	switch m.Type {
	case "bind":
		e.source(w, v, m.Source, m.Target, m.BindOptions != nil && m.BindOptions.NonRecursive)
		return e
	case "volume":
		if m.VolumeOptions != nil && m.VolumeOptions.DriverConfig != nil {
			w.volume(&e, v, m, *m.VolumeOptions.DriverConfig)
		}
	case "tmpfs", "image", "cluster", "npipe":
	default:
		e.complain(unknownType, "the type "+m.Type)
	}
	if strings.HasPrefix(m.Source, "/") || strings.HasPrefix(m.Source, ".") {
		e.complain(untranslated, m.Type+" with a path as its source: "+m.Source)
	}
	return e
}

var networkTypes = regexp.MustCompile(`^(tmpfs|nfs[0-9.]*|cifs)$`)

// volume is for a driver's options, which may name any directory.
func (w *world) volume(e *expectation, v view, m Mount, d DriverConfig) {
	o, device := d.Options["o"], d.Options["device"]
	switch {
	case len(d.Options) == 0:
	case d.Name != "" && d.Name != "local":
		e.complain(unknownDriver, "options of the driver "+d.Name)
	case hasWord(o, "bind") || hasWord(o, "rbind"):
		if device == "" {
			return // nothing to mount
		}
		e.source(w, v, device, m.Target, false)
		if hasWord(o, "rbind") && len(e.place.belows) > 0 {
			e.complain(untranslated, "a volume cannot carry what is mounted below "+device)
		}
		e.belows = nil
		if e.place.ro && lastWord(o, "ro", "rw") != "ro" {
			e.complain(volumesRO, fmt.Sprintf("o=%s of %s", o, device))
		}
	case d.Options["type"] == "" && device == "" && o == "":
		// a quota, or nothing
	case !networkTypes.MatchString(d.Options["type"]):
		e.complain(unknownDriver, "a local volume of type "+d.Options["type"])
	}
}

// mountFor is the element of Mounts for one source.
func mountFor(m Mount, host, target string, ro bool) Mount {
	if target != "" {
		m.Target = target
	}
	m.ReadOnly = m.ReadOnly || ro
	if m.Type == "bind" {
		m.Source = host
		return m
	}
	options, driver := *m.VolumeOptions, *m.VolumeOptions.DriverConfig
	driver.Options = map[string]string{}
	for k, value := range m.VolumeOptions.DriverConfig.Options {
		driver.Options[k] = value
	}
	driver.Options["device"] = host
	options.DriverConfig, m.VolumeOptions = &driver, &options
	return m
}

// eitherWay is whether a mount below may be writable or not: the request wants the one above
// read-only and those below left alone, and more read-only is no harm.
func eitherWay(m Mount, b below) bool {
	return m.ReadOnly && !b.ro && m.BindOptions != nil && m.BindOptions.ReadOnlyNonRecursive
}

// translated is the view as it has to be. `got` is asked only where either way is right.
func (w *world) translated(v, got view) (want view, complaints []complaint) {
	for _, b := range v.binds {
		e := w.bind(v, b)
		complaints = append(complaints, e.complaints...)
		if !e.translated {
			want.binds = append(want.binds, sameModes(b))
			continue
		}
		want.binds = append(want.binds, sameModes(bindText(b, e.place.host, "", e.place.ro)))
		for _, m := range e.belows {
			want.binds = append(want.binds, sameModes(bindText(b, m.host, e.target+m.rest, m.ro)))
		}
	}
	for _, m := range v.mounts {
		e := w.mount(v, m)
		complaints = append(complaints, e.complaints...)
		if !e.translated {
			want.mounts = append(want.mounts, m)
			continue
		}
		want.mounts = append(want.mounts, mountFor(m, e.place.host, "", e.place.ro))
		for _, b := range e.belows {
			more := mountFor(m, b.host, e.target+b.rest, b.ro)
			if i := len(want.mounts); eitherWay(m, b) && i < len(got.mounts) {
				more.ReadOnly = got.mounts[i].ReadOnly
			}
			want.mounts = append(want.mounts, more)
		}
	}
	return want, complaints
}
