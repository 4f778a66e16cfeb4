package githubapi

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient makes the decoder take what encoding/json takes: of members with the same name
// the last one counts, and bytes that are not UTF-8 become U+FFFD. Names of members have
// to be spelt as in the API's descriptions.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// unmarshal decodes JSON into v. Members that v has no field for are passed over at
// several times the speed of encoding/json: they are nine tenths of a list of runs.
func unmarshal(text []byte, v any) error { return json.Unmarshal(text, v, lenient) }

// validJSON reports whether a text is one JSON value.
func validJSON(text []byte) bool { return jsontext.Value(text).IsValid(lenient) }

// endsEarly reports whether a text is the beginning of a JSON value, but not all of it. It
// asks encoding/json, because jsontext takes "{t" for such a beginning, too.
func endsEarly(text []byte) bool {
	var all stdjson.RawMessage
	return errors.Is(stdjson.NewDecoder(bytes.NewReader(text)).Decode(&all), io.ErrUnexpectedEOF)
}
