// The smallest body that still breaks the promise.
//
// SPDX-License-Identifier: 0BSD

package main

import "encoding/json"

// minimise leaves out members and elements one by one, while `broken` says that it is still the
// same.
func minimise(body []byte, broken func([]byte) bool) []byte {
	for again := json.Valid(body); again; {
		again = false
		for _, shorter := range without(body, parse(body)) {
			if json.Valid(shorter) && broken(shorter) {
				body, again = shorter, true
				break
			}
		}
	}
	return body
}

// without is the text less one member, or with a value less deep, largest cuts first.
func without(text []byte, n node) [][]byte {
	var list [][]byte
	cut := func(from, to int, instead string) {
		list = append(list, []byte(string(text[:from])+instead+string(text[to:])))
	}
	for i, m := range n.members {
		from, to := m.value.start, m.value.end
		if m.key.kind != 0 {
			from = m.key.start
		}
		if i > 0 {
			from = n.members[i-1].value.end
		} else if len(n.members) > 1 {
			to = n.members[1].value.start
			if n.members[1].key.kind != 0 {
				to = n.members[1].key.start
			}
		}
		cut(from, to, "")
	}
	for _, m := range n.members {
		if m.value.kind == '"' && m.value.end-m.value.start > 2 {
			plain, _ := json.Marshal(m.value.str(text))
			if len(plain) < m.value.end-m.value.start {
				cut(m.value.start, m.value.end, string(plain))
			}
		}
		list = append(list, without(text, m.value)...)
	}
	return list
}
