package unpack

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decodeName returns an entry's name in UTF-8, with slashes. raw is what the header
// has, unicode the Unicode Path field, or nil.
//
// Bytes that the flag calls UTF-8 stay as they are, and so do bytes that are UTF-8
// without the flag, which many writers forget. All others are Code Page 437 (appendix
// D.1), in which every byte is a character.
//
// Backslashes are separators if the entry was made on a file system that has no
// others: some writers for Windows leave them as they are.
func decodeName(raw string, unicode []byte, flags uint16, creator byte) string {
	name := raw
	if flags&flagUTF8 == 0 {
		if path := unicodePath(unicode, raw); path != "" {
			name = path
		} else if !utf8.ValidString(raw) {
			name = fromCP437(raw)
		}
	}
	switch creator {
	case creatorFAT, creatorNTFS, creatorNTFS11, creatorVFAT:
		name = strings.ReplaceAll(name, `\`, "/")
	}
	return name
}

// unicodePath returns the name in a Unicode Path field (4.6.9). It is empty if the
// field is damaged, or if its CRC-32 shows that it belongs to another name: a program
// changed the entry's name, and did not know the field.
func unicodePath(field []byte, raw string) string {
	const version, head = 1, 5
	if len(field) <= head || field[0] != version || binary.LittleEndian.Uint32(field[1:]) != crc32.ChecksumIEEE([]byte(raw)) {
		return ""
	}
	name := string(field[head:])
	if !utf8.ValidString(name) {
		return ""
	}
	return name
}

func fromCP437(raw string) string {
	var b strings.Builder
	for i := range len(raw) {
		b.WriteRune(charmap.CodePage437.DecodeByte(raw[i]))
	}
	return b.String()
}
