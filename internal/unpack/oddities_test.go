package unpack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/artifetch/artifetch/internal/testdir"
)

// field is an extra field of a header (4.5.1).
func field(id uint16, data string) string {
	le := binary.LittleEndian
	return string(le.AppendUint16(le.AppendUint16(nil, id), uint16(len(data)))) + data
}

// zip64Field holds values that do not fit (4.5.3).
func zip64Field(values ...uint64) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return field(extraZip64, string(b))
}

// unicodeField is a Unicode Path or Comment field (4.6.8, 4.6.9) for what the header
// has as raw.
func unicodeField(id uint16, raw, text string) string {
	return field(id, "\x01"+string(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(raw))))+text)
}

// windows is an entry as programs for Windows write it, with a name in another code page.
func windows(raw, name string) lie {
	f := unicodeField(extraUnicodePath, raw, name)
	return lie{name: raw, body: "x", extra: f, localField: f}
}

// put returns an edit that writes a number of this many bytes into a record.
func put(at, size int, v uint64) func([]byte) {
	return func(rec []byte) { copy(rec[at:at+size], binary.LittleEndian.AppendUint64(nil, v)) }
}

// sole is an archive of the file "a", changed by f.
func sole(f func(*lie)) liar { return of(with(file("a"), f)) }

// beside is an archive of the file "a" with zip64 records that it does not need,
// changed by f.
func beside(f func(*liar)) liar {
	z := liar{entries: []lie{file("a")}, zip64: true, beside: true}
	f(&z)
	return z
}

// typed is a file with a type in its attributes that is not a file's.
func typed(mode uint32) liar { return of(lie{name: "x", body: "1", unix: mode}) }

const program = "#!/bin/sh\nexit\n"

// zeros pad the output of a tape archiver.
var zeros = strings.Repeat("\x00", 4096)

// xzed is "content of a" by the method 95, and xzedLarge the same with a dictionary of 128 MiB.
const (
	xzed      = "\xfd7zXZ\x00\x00\x01i\x22\xde6\x02\x00!\x01\x0c\x00\x00\x00\x8f\x98A\x9c\x01\x00\x0bcontent of a\x00l`\x8a\x17\x00\x01 \x0c\xa2\xdd\xb4\xbc\x90B\x99\x0d\x01\x00\x00\x00\x00\x01YZ"
	xzedLarge = "\xfd7zXZ\x00\x00\x01i\x22\xde6\x02\x00!\x01\x1e\x00\x00\x00\x9b\x07Qf\x01\x00\x0bcontent of a\x00l`\x8a\x17\x00\x01 \x0c\xa2\xdd\xb4\xbc\x90B\x99\x0d\x01\x00\x00\x00\x00\x01YZ"
)

// bzipped is "content of a" by the method 12.
const bzipped = "BZh91AY&SY\\v@\r\x00\x00\x01\x91\x80@\x00+\x01\x84\x00 \x001\x0c\x08 \xd3M\xa8\xc5\xa8\x98\xe1^.\xe4\x8ap\xa1 \xb8\xec\x80\x1a"

// lzmaed compresses by the method 14.
func lzmaed(body string) []byte {
	var b bytes.Buffer
	w, err := lzma.WriterConfig{DictCap: 1 << 16, EOSMarker: true}.NewWriter(&b)
	if err == nil {
		_, err = w.Write([]byte(body))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	file := b.Bytes()
	data := append([]byte{9, 20, 5, 0}, file[:5]...)
	return append(data, file[lzma.HeaderLen:]...)
}

// dictionary changes the header of data: it needs a dictionary of this many bytes.
func dictionary(data []byte, size uint32) []byte {
	binary.LittleEndian.PutUint32(data[5:], size)
	return data
}

var onlyA = []string{"a = content of a"}

// oddities are archives that break a rule of the format, or stretch it, and that other
// programs extract all the same; each with the tree that is extracted.
var oddities = map[string]struct {
	zip  liar
	want []string
}{
	"zip64 beside":                     {beside(func(*liar) {}), onlyA},
	"zip64, one value in the end":      {beside(func(z *liar) { z.editEnd = put(12, 8, math.MaxUint64) }), onlyA},
	"zip64, only the offset":           {beside(func(z *liar) { z.editEnd = put(16, 4, math.MaxUint32) }), onlyA},
	"zip64, only the size":             {beside(func(z *liar) { z.editEnd = put(12, 4, math.MaxUint32) }), onlyA},
	"zip64, only the counts":           {beside(func(z *liar) { z.editEnd = put(8, 4, math.MaxUint32) }), onlyA},
	"zip64, disks":                     {beside(func(z *liar) { z.editEnd = put(4, 4, math.MaxUint32) }), onlyA},
	"zip64, its own size is 0":         {beside(func(z *liar) { z.edit64 = put(4, 8, 0) }), onlyA},
	"zip64, own data":                  {beside(func(z *liar) { z.extensible = field(0x9999, "xx") }), onlyA},
	"zip64, stale locator":             {beside(func(z *liar) { z.editLocator = put(8, 8, 3) }), onlyA},
	"zip64, stale locator, needed":     {liar{entries: []lie{file("a")}, zip64: true, editLocator: put(8, 8, 3)}, onlyA},
	"zip64, locator beyond the end":    {beside(func(z *liar) { z.editLocator = put(8, 8, 1<<63) }), onlyA},
	"zip64, prefix":                    {beside(func(z *liar) { z.prefix = program }), onlyA},
	"zip64, prefix not counted":        {beside(func(z *liar) { z.prefix, z.unadjusted = program, true }), onlyA},
	"zip64, prefix, all in the record": {liar{entries: []lie{file("a")}, zip64: true, prefix: program, unadjusted: true}, onlyA},
	"a locator in a comment":           {of(with(file("a"), func(e *lie) { e.comment = locator64Signature + strings.Repeat("\x00", 16) })), onlyA},

	"zip64 field, all":              {of(with(file("a"), func(e *lie) { e.size, e.compressed, e.extra = math.MaxUint32, math.MaxUint32, zip64Field(12, 12) }), file("b")), []string{"a = content of a", "b = content of b"}},
	"zip64 field, one":              {sole(func(e *lie) { e.size, e.extra = math.MaxUint32, zip64Field(12) }), onlyA},
	"zip64 field, more than needed": {sole(func(e *lie) { e.size, e.extra = math.MaxUint32, zip64Field(12, 12, 0) }), onlyA},
	"zip64 field, not needed":       {sole(func(e *lie) { e.extra = zip64Field(1, 2, 3) }), onlyA},
	"zip64 field, empty":            {sole(func(e *lie) { e.extra = zip64Field() }), onlyA},
	"zip64 field, local":            {sole(func(e *lie) { e.localField = zip64Field(12, 12) }), onlyA},
	"zip64 field, local, needed":    {sole(func(e *lie) { e.localSize, e.localField = math.MaxUint32, zip64Field(12, 12) }), onlyA},
	"zip64 field, a pipe":           {sole(func(e *lie) { e.deflate, e.descriptor, e.wide, e.localField = true, true, true, zip64Field(0, 0) }), onlyA},
	"extra field, cut":              {sole(func(e *lie) { e.extra = "\x99\x99\x10" }), onlyA},
	"extra field, too long":         {sole(func(e *lie) { e.extra = "\x99\x99\x10\x00" }), onlyA},
	"extra field, padding":          {sole(func(e *lie) { e.extra = "\x00\x00\x00\x00\x00" }), onlyA},

	"descriptor, stored":           {sole(func(e *lie) { e.descriptor = true }), onlyA},
	"descriptor, no signature":     {of(with(file("a"), func(e *lie) { e.deflate, e.descriptor, e.unsigned = true, true, true }), file("b")), []string{"a = content of a", "b = content of b"}},
	"descriptor, 64 bits":          {of(with(file("a"), func(e *lie) { e.deflate, e.descriptor, e.wide = true, true, true }), file("b")), []string{"a = content of a", "b = content of b"}},
	"descriptor, 64 bits, no sig.": {of(with(file("a"), func(e *lie) { e.descriptor, e.wide, e.unsigned = true, true, true }), file("b")), []string{"a = content of a", "b = content of b"}},
	"descriptor, sizes known":      {of(with(file("a"), func(e *lie) { e.deflate, e.descriptor, e.told = true, true, true }), file("b")), []string{"a = content of a", "b = content of b"}},
	"descriptor that is not there": {of(with(file("a"), func(e *lie) { e.flags = flagDescriptor }), file("b")), []string{"a = content of a", "b = content of b"}},
	"descriptor, only locally":     {of(with(file("a"), func(e *lie) { e.localFlags = flagDescriptor }), file("b")), []string{"a = content of a", "b = content of b"}},
	"bytes behind the data":        {sole(func(e *lie) { e.deflate, e.raw = true, append(deflated(e.body), "more"...) }), onlyA},
	"bytes behind the data, large": {of(lie{name: "a", body: strings.Repeat("x", unitBytes+1), deflate: true, raw: append(deflated(strings.Repeat("x", unitBytes+1)), "more"...)}), []string{"a = " + strings.Repeat("x", 40)}},
	"deflated nothing, not a byte": {of(lie{name: "a", method: methodDeflated}), []string{"a = "}},
	"deflated nothing":             {of(lie{name: "a", deflate: true}), []string{"a = "}},

	"prefix not counted":            {liar{entries: []lie{file("a"), file("b")}, prefix: program, unadjusted: true}, []string{"a = content of a", "b = content of b"}},
	"prefix not counted, backwards": {liar{entries: []lie{file("a"), file("b")}, prefix: program, unadjusted: true, backwards: true}, []string{"a = content of a", "b = content of b"}},
	"an archive as prefix":          {liar{entries: []lie{file("a")}, prefix: string(of(file("b")).bytes()), unadjusted: true}, onlyA},
	"marked as one of several":      {liar{entries: []lie{file("a")}, prefix: "PK\x07\x08"}, onlyA},
	"zeros after the end":           {liar{entries: []lie{file("a")}, suffix: zeros}, onlyA},
	"zeros after a comment":         {liar{entries: []lie{file("a")}, comment: "comment", suffix: zeros}, onlyA},
	"zeros, as many as may be":      {liar{entries: []lie{file("a")}, suffix: strings.Repeat("\x00", maxTrailing)}, onlyA},
	"text after the end":            {liar{entries: []lie{file("a")}, suffix: "\r\n"}, onlyA},
	"comment longer than told":      {liar{entries: []lie{file("a")}, comment: "comment", editEnd: put(20, 2, 0)}, onlyA},
	"comment shorter than told":     {liar{entries: []lie{file("a")}, comment: "comment", editEnd: put(20, 2, 99)}, onlyA},
	"a part of an end in a comment": {liar{entries: []lie{file("a")}, comment: "so it ends: " + endSignature}, onlyA},
	"directory of another disk":     {liar{entries: []lie{file("a")}, editEnd: put(6, 2, 1)}, onlyA},
	"entry of another disk":         {sole(func(e *lie) { e.disk = 7 }), onlyA},
	"local size, deflated":          {sole(func(e *lie) { e.deflate, e.localSize = true, 7 }), onlyA},
	"local size, bzip2":             {sole(func(e *lie) { e.method, e.raw, e.localSize = methodBzip2, []byte(bzipped), 7 }), onlyA},
	"count of another disk":         {liar{entries: []lie{file("a")}, editEnd: put(8, 2, 7)}, onlyA},

	"FIFO":                   {typed(0o010600), []string{"x = 1"}},
	"FIFO, executable":       {typed(0o010755), []string{"x* = 1"}},
	"socket":                 {typed(0o140600), []string{"x = 1"}},
	"no type":                {typed(0o000600), []string{"x = 1"}},
	"type 3":                 {typed(0o030600), []string{"x = 1"}},
	"type 15":                {typed(0o170600), []string{"x = 1"}},
	"no mode at all":         {of(lie{name: "x", body: "1", made: creatorUnix}), []string{"x = 1"}},
	"symlink to nothing":     {of(link("x", "")), []string{"x* = "}},
	"symlink loop":           {of(link("a", "b"), link("b", "a")), []string{"a -> b", "b -> a"}},
	"symlink to itself":      {of(link("a", "a"), link("d/b", "b/x")), []string{"a -> a", "d/", "d/b -> b/x"}},
	"backslash in a target":  {of(link("d/a", `b\c`), link("d/e", `..\f`)), []string{"d/", `d/a -> b\c`, `d/e -> ..\f`}},
	"symlink like a dir":     {of(link("x/", "y")), []string{"x/"}},
	"directory with content": {of(lie{name: "d/", body: "x"}, lie{name: "e/", body: "x", deflate: true}, file("f")), []string{"d/", "e/", "f = content of f"}},
	"directory with a size":  {of(lie{name: "d/", unix: 0o040755, size: 4096}, file("f")), []string{"d/", "f = content of f"}},
	"directory, local size":  {of(lie{name: "d/", localSize: 4096}), []string{"d/"}},
	"directory, local way":   {of(lie{name: "d/", localMethod: methodDeflated}), []string{"d/"}},
	"directory, FIFO":        {of(lie{name: "d/", unix: 0o010644}), []string{"d/"}},
	"directory, file":        {of(lie{name: "d/", unix: 0o100644}), []string{"d/"}},
	"directory, no slash":    {of(lie{name: "d", unix: 0o040644}, lie{name: "e", dosAttr: 0x10}), []string{"d = ", "e = "}},
	"no slash, content":      {of(lie{name: "d", unix: 0o040644, body: "x"}, lie{name: "e", dosAttr: 0x10, body: "x"}), []string{"d = x", "e = x"}},
	"no slash, and a file":   {of(lie{name: "d", unix: 0o040755}, file("d/a")), []string{"d/", "d/a = content of d/a"}},
	"a file, and no slash":   {of(file("d/a"), lie{name: "d", dosAttr: 0x10}), []string{"d/", "d/a = content of d/a"}},
	"no slash, and a slash":  {of(lie{name: "d", dosAttr: 0x10}, dir("d/"), lie{name: "d", dosAttr: 0x10}), []string{"d/"}},

	"twice":                {of(with(file("a"), func(e *lie) { e.body = "old" }), file("b"), file("a")), []string{"a = content of a", "b = content of b"}},
	"twice, dotted":        {of(with(file("./a"), func(e *lie) { e.body = "old" }), file("a")), onlyA},
	"twice, backwards":     {liar{entries: []lie{file("a"), file("b"), with(file("a"), func(e *lie) { e.body = "old" })}, backwards: true}, []string{"a = content of a", "b = content of b"}},
	"often":                {of(lie{name: "a"}, file("b"), lie{name: "a"}, lie{name: "b"}, lie{name: "a"}, file("b"), file("a")), []string{"a = content of a", "b = content of b"}},
	"twice, once no slash": {of(file("d"), lie{name: "d", dosAttr: 0x10}), []string{"d = "}},

	"Unicode Path":                 {of(windows("\x93\xfa\x96{\x8c\xea.txt", "日本語.txt")), []string{"日本語.txt = x"}},
	"Unicode Path, backslash byte": {of(windows("\x88\xea\x97\x97\x95\\.txt", "一覧表.txt")), []string{"一覧表.txt = x"}},
	"Unicode Path, backslash":      {of(windows("d\\\x82.txt", "d\\é.txt")), []string{"d/", "d/é.txt = x"}},
	"Unicode Path, directory":      {of(with(windows("\x82/", "é/"), func(e *lie) { e.body = "" })), []string{"é/"}},
	"Unicode Path of another name": {of(lie{name: "new", extra: unicodeField(extraUnicodePath, "old", "älter")}), []string{"new = "}},
	"Unicode Path, and the flag":   {of(lie{name: "é", flags: flagUTF8, extra: unicodeField(extraUnicodePath, "é", "e")}), []string{"é = "}},
	"Unicode Path, empty":          {of(lie{name: "x", extra: unicodeField(extraUnicodePath, "x", "")}), []string{"x = "}},
	"Unicode Path, no UTF-8":       {of(lie{name: "x", extra: unicodeField(extraUnicodePath, "x", "\x82")}), []string{"x = "}},
	"Unicode Path, version 2":      {of(lie{name: "x", extra: strings.Replace(unicodeField(extraUnicodePath, "x", "é"), "\x01", "\x02", 1)}), []string{"x = "}},
	"Unicode Path, cut":            {of(lie{name: "x", extra: field(extraUnicodePath, "\x01\x00\x00\x00")}), []string{"x = "}},
	"Unicode Path, other fields":   {of(lie{name: "x", extra: field(0x5455, "\x01\x00\x00\x00\x00") + unicodeField(extraUnicodePath, "x", "é") + field(0x9999, "")}), []string{"é = "}},
	"Unicode Comment":              {of(lie{name: "x", comment: "\x82", extra: unicodeField(0x6375, "\x82", "é")}), []string{"x = "}},
	"Code Page 437":                {of(lie{name: "caf\x82/\xe1\x01\x7f.txt"}), []string{"café/", "café/ß\x01\x7f.txt = "}},
	"Code Page 437, Unix":          {of(lie{name: "caf\x82", unix: 0o100644}), []string{"café = "}},
	"UTF-8 without the flag":       {of(lie{name: "café"}), []string{"café = "}},
	"backslashes, FAT":             {of(lie{name: `d\e\a`}, lie{name: `d\f/b`}), []string{"d/", "d/e/", "d/e/a = ", "d/f/", "d/f/b = "}},
	"backslashes, NTFS":            {of(lie{name: `d\a`, made: creatorNTFS}, lie{name: `d\b`, made: creatorNTFS11}), []string{"d/", "d/a = ", "d/b = "}},
	"backslashes, VFAT":            {of(lie{name: `d\a`, made: creatorVFAT}), []string{"d/", "d/a = "}},
	"backslashes, directories":     {of(lie{name: `d\`, dosAttr: 0x10}, lie{name: `d\e\`}, lie{name: `.\`}), []string{"d/", "d/e/"}},
	"backslashes, and twice":       {of(lie{name: `d\a`, body: "old"}, lie{name: "d/a", body: "new"}), []string{"d/", "d/a = new"}},

	"bzip2, then other data":                 {sole(func(e *lie) { e.method, e.raw = methodBzip2, []byte(bzipped+"and more") }), onlyA},
	"XZ":                                     {sole(func(e *lie) { e.method, e.raw = methodXZ, []byte(xzed) }), onlyA},
	"bzip2":                                  {sole(func(e *lie) { e.method, e.raw = methodBzip2, []byte(bzipped) }), onlyA},
	"Deflate64":                              {sole(func(e *lie) { e.method, e.raw = methodDeflate64, deflated(e.body) }), onlyA},
	"LZMA":                                   {sole(func(e *lie) { e.method, e.flags, e.raw = methodLZMA, 2, lzmaed(e.body) }), onlyA},
	"LZMA, dictionary too large, small file": {sole(func(e *lie) { e.method, e.raw = methodLZMA, dictionary(lzmaed(e.body), math.MaxUint32) }), onlyA},
}

// oddRefusals continues refusals: archives that are like oddities, but are refused.
var oddRefusals = map[string]refusal{
	"zip64, other count":       {beside(func(z *liar) { z.edit64 = put(32, 8, 7) }), "", "contradict each other"},
	"zip64, other size":        {beside(func(z *liar) { z.edit64 = put(40, 8, 7) }), "", "contradict each other"},
	"zip64, other offset":      {beside(func(z *liar) { z.edit64 = put(48, 8, 7) }), "", "contradict each other"},
	"zip64, wrong count":       {liar{entries: []lie{file("a")}, zip64: true, edit64: put(32, 8, 1<<16|1)}, "", "holds another number of entries (1) than it declares (65537)"},
	"zip64, negative count":    {liar{entries: []lie{file("a")}, zip64: true, edit64: put(32, 8, 1<<63)}, "", "lacks bytes"},
	"zip64, offset overflows":  {liar{entries: []lie{file("a")}, zip64: true, edit64: put(48, 8, math.MaxInt64)}, "", "lacks bytes"},
	"zip64, size overflows":    {liar{entries: []lie{file("a")}, zip64: true, edit64: put(40, 8, math.MaxInt64)}, "", "lacks bytes"},
	"zip64, no record":         {beside(func(z *liar) { z.edit64 = put(0, 4, 0) }), "", "something else than entries"},
	"zip64, several disks":     {beside(func(z *liar) { z.editLocator = put(16, 4, 2) }), "", "several disks"},
	"directory too small":      {liar{entries: []lie{file("a")}, editEnd: put(12, 4, 40)}, "", "ends within an entry"},
	"directory too large":      {liar{entries: []lie{file("a")}, editEnd: put(12, 4, 50)}, "", "lacks bytes"},
	"directory of nothing":     {liar{entries: []lie{file("a")}, editEnd: put(12, 4, 0)}, "", "without entries"},
	"bytes are missing":        {liar{entries: []lie{file("a")}, dirShift: 1}, "", "lacks bytes"},
	"zeros, one too many":      {liar{entries: []lie{file("a")}, suffix: strings.Repeat("\x00", maxTrailing+1)}, "", "no end of central directory"},
	"an archive as comment":    {liar{entries: []lie{file("a")}, comment: string(of(file("b")).bytes())}, "", "another end record"},
	"an end as suffix":         {liar{entries: []lie{file("a")}, suffix: string(liar{}.bytes())}, "", "without entries"},
	"prefix, offset overflows": {liar{entries: []lie{with(file("a"), func(e *lie) { e.offsetShift, e.extra = math.MaxUint32, zip64Field(math.MaxInt64) })}, prefix: program, unadjusted: true}, "a", "lies outside"},

	"FAT, up":                 {of(lie{name: `..\a`}), `..\a`, `".."`},
	"FAT, up in the middle":   {of(lie{name: `d\..\..\a`}), `d\..\..\a`, `".."`},
	"FAT, absolute":           {of(lie{name: `\a`}), `\a`, "is an absolute path"},
	"FAT, UNC":                {of(lie{name: `\\host\a`}), `\\host\a`, "is an absolute path"},
	"FAT, drive":              {of(lie{name: `C:\a`}), `C:\a`, "drive letter"},
	"NTFS, up":                {of(lie{name: `..\a`, made: creatorNTFS11}), `..\a`, `".."`},
	"Unicode Path, up":        {of(windows("a", "../a")), "a", `".."`},
	"Unicode Path, absolute":  {of(windows("a", "/a")), "a", "is an absolute path"},
	"Unicode Path, NUL":       {of(windows("a", "a\x00")), "a", "NUL"},
	"Unicode Path, backslash": {of(with(windows("a", `d\a`), func(e *lie) { e.made = creatorUnix })), "a", "backslash"},
	"Unicode Path, through":   {of(link("l", "."), windows("a", "l/a")), "a", `through "l"`},
	"Code Page 437, too long": {of(lie{name: strings.Repeat("\xb0", 100)}), strings.Repeat("\xb0", 100), "a component of 300 bytes"},
	"file and no slash, deep": {of(file("d"), lie{name: "d", dosAttr: 0x10}, file("d/a")), "d/a", `through "d"`},
	"no slash, a file below":  {of(lie{name: "d", dosAttr: 0x10, body: "x"}, file("d/a")), "d/a", `through "d"`},
	"symlink and file":        {of(link("a", "b"), file("a")), "a", "twice"},
	"symlink twice":           {of(link("a", "b"), link("a", "b")), "a", "twice"},
	"too many are twice":      {twiceEach(maxShared + 1), "", "more than one entry"},

	"directory, device":    {of(lie{name: "d/", unix: 0o060644}), "d/", "device"},
	"directory, method":    {of(lie{name: "d/", method: 99}), "d/", "99 (AES)"},
	"PPMd":                 {of(lie{name: "a", method: 98}), "a", "method 98 (PPMd) is not supported"},
	"XZ, damaged":          {sole(func(e *lie) { e.method, e.raw = methodXZ, []byte("no xz at all") }), "a", "compressed data is damaged: xz: file format not recognized"},
	"XZ, cut short":        {sole(func(e *lie) { e.method, e.raw = methodXZ, []byte(xzed[:len(xzed)-4]) }), "a", "damaged"},
	"XZ, less":             {sole(func(e *lie) { e.method, e.raw, e.size = methodXZ, []byte(xzed), 99 }), "a", "holds 12 bytes and declares 99"},
	"XZ, large dictionary": {sole(func(e *lie) { e.method, e.raw = methodXZ, []byte(xzedLarge) }), "a", "xz needs more than 64 MiB of memory"},
	"bzip2, damaged":       {sole(func(e *lie) { e.method, e.raw = methodBzip2, []byte("BZh9 and nothing more") }), "a", "damaged"},
	"bzip2, cut short":     {sole(func(e *lie) { e.method, e.raw = methodBzip2, []byte(bzipped[:20]) }), "a", "damaged"},
	"bzip2, more":          {sole(func(e *lie) { e.method, e.raw, e.size = methodBzip2, []byte(bzipped), 5 }), "a", "more than the 5 bytes"},
	"bzip2, less":          {sole(func(e *lie) { e.method, e.raw, e.size = methodBzip2, []byte(bzipped), 99 }), "a", "holds 12 bytes and declares 99"},
	"Deflate64, damaged":   {sole(func(e *lie) { e.method, e.raw = methodDeflate64, []byte{0xff, 0xff, 0xff} }), "a", "damaged"},
	"Deflate64, cut short": {sole(func(e *lie) { e.method, e.raw = methodDeflate64, deflated(e.body)[:4] }), "a", "damaged"},
	"Deflate64, more":      {sole(func(e *lie) { e.method, e.raw, e.size = methodDeflate64, deflated(e.body), 5 }), "a", "more than the 5 bytes"},
	"Deflate64, less":      {sole(func(e *lie) { e.method, e.raw, e.size = methodDeflate64, deflated(e.body), 99 }), "a", "holds 12 bytes and declares 99"},
	"LZMA, damaged": {sole(func(e *lie) {
		e.method, e.raw = methodLZMA, []byte("\x09\x14\x05\x00\x5d\x00\x00\x01\x00 no LZMA at all")
	}), "a", "damaged"},
	"LZMA, cut short":        {sole(func(e *lie) { e.method, e.raw = methodLZMA, lzmaed(e.body)[:15] }), "a", "damaged"},
	"LZMA, without a header": {sole(func(e *lie) { e.method, e.raw = methodLZMA, []byte{9, 20, 5} }), "a", "damaged"},
	"LZMA, more":             {sole(func(e *lie) { e.method, e.raw, e.size = methodLZMA, lzmaed(e.body), 5 }), "a", "damaged"},
	"LZMA, less":             {sole(func(e *lie) { e.method, e.raw, e.size = methodLZMA, lzmaed(e.body), 99 }), "a", "damaged"},
	"LZMA, properties":       {sole(func(e *lie) { e.method, e.raw = methodLZMA, []byte("\x09\x14\x06\x00\x5d\x00\x00\x01\x00\x00") }), "a", "properties of 6 bytes"},
	"LZMA, property":         {sole(func(e *lie) { e.method, e.raw = methodLZMA, []byte("\x09\x14\x05\x00\xff\x00\x00\x01\x00\x00") }), "a", "damaged"},
	"LZMA, dictionary":       {of(with(huge("a", 40<<20), func(e *lie) { e.method, e.raw = methodLZMA, dictionary(lzmaed("x"), 64<<20) })), "a", "LZMA needs 41 MiB of memory"},
}

// twiceEach has two files of each name.
func twiceEach(n int) (z liar) {
	for i := range 2 * n {
		z.entries = append(z.entries, lie{name: fmt.Sprint(i % n)})
	}
	return z
}

// An archive may have more entries than its end record can declare.
func TestCountWraps(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1<<16 - 1, 1 << 16, 1<<16 + 1} {
		z := liar{entries: slices.Repeat([]lie{dir("./")}, n)} // the destination itself: nothing to make
		z.entries[0], z.entries[n-1] = dir("first/"), dir("last/")
		dest := filepath.Join(testdir.InMemory(t), "dest")
		if err := extract(t, z.bytes(), dest, NewBudget(0, 0)); err != nil {
			t.Fatalf("%d entries: %v", n, err)
		}
		if got := tree(t, dest); !slices.Equal(got, []string{"first/", "last/"}) {
			t.Errorf("%d entries: %q", n, got)
		}
	}
}
