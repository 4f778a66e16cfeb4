package githubapi

import (
	"reflect"
	"strings"
)

// members are names of members of objects, by their length. The look-up has to be fast: a
// list has 20,000 names.
type members [][]string

// membersOf returns the names of the members that a type has fields for, at any depth.
func membersOf(t reflect.Type) members {
	var m members
	m.add(t)
	return m
}

func (m *members) add(t reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // others have no members
	case reflect.Pointer, reflect.Slice:
		m.add(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && !m.has([]byte(name)) {
				for len(*m) <= len(name) {
					*m = append(*m, nil)
				}
				(*m)[len(name)] = append((*m)[len(name)], name)
			}
			m.add(f.Type)
		}
	}
}

func (m members) has(name []byte) bool {
	if len(name) < len(m) {
		for _, n := range m[len(name)] {
			if n == string(name) {
				return true
			}
		}
	}
	return false
}
