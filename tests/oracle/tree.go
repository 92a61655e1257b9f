// Where in a text its values are: a second reader beside encoding/json, which does not say.
//
// SPDX-License-Identifier: 0BSD

package main

import (
	"encoding/json"
	"strings"
)

// node is a value, or a key, in a text that json.Valid has passed.
type node struct {
	start, end int
	kind       byte // the first byte of it
	members    []member
}

// member is of an object, or an element, which has no key.
type member struct {
	key, value node
}

type reader struct {
	text []byte
	at   int
}

// parse reads the one value of a valid text.
func parse(text []byte) node {
	r := reader{text: text}
	return r.value()
}

func (r *reader) space() byte {
	for strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
	return r.text[r.at]
}

func (r *reader) value() node {
	n := node{kind: r.space(), start: r.at}
	switch n.kind {
	case '{', '[':
		n.members = r.collection(n.kind)
	case '"':
		for r.at++; r.text[r.at] != '"'; r.at++ {
			if r.text[r.at] == '\\' {
				r.at++
			}
		}
		r.at++
	default:
		for r.at < len(r.text) && strings.IndexByte(" \t\r\n,]}", r.text[r.at]) < 0 {
			r.at++
		}
	}
	n.end = r.at
	return n
}

func (r *reader) collection(kind byte) []member {
	var members []member
	for r.at++; ; r.at++ {
		if c := r.space(); c == '}' || c == ']' {
			break
		}
		var m member
		if kind == '{' {
			m.key = r.value()
			r.space()
			r.at++
		}
		m.value = r.value()
		members = append(members, m)
		if r.space() != ',' {
			break
		}
	}
	r.at++
	return members
}

// raw is the spelling of a value.
func (n node) raw(text []byte) string {
	return string(text[n.start:n.end])
}

// str is the text of a string as encoding/json has it; "" for anything else.
func (n node) str(text []byte) string {
	var s string
	if n.kind == '"' {
		json.Unmarshal(text[n.start:n.end], &s)
	}
	return s
}

// field is the member that encoding/json takes for this field of a struct, and how many there are
// of them.
func (n node) field(text []byte, name string) (found node, count int) {
	for _, m := range n.members {
		if n.kind == '{' && strings.EqualFold(m.key.str(text), name) {
			found = m.value
			count++
		}
	}
	return found, count
}

// entry is the same for a map, which knows one spelling of a key.
func (n node) entry(text []byte, name string) (found node, count int) {
	for _, m := range n.members {
		if n.kind == '{' && m.key.str(text) == name {
			found = m.value
			count++
		}
	}
	return found, count
}
