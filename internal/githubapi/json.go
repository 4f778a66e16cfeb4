package githubapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// lenient makes the decoder take what encoding/json takes: of members with the same name
// the last one counts, and bytes that are not UTF-8 become U+FFFD. Names of members have
// to be spelt as in the API's descriptions.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// unmarshal decodes JSON into v.
func unmarshal(text []byte, v any) error { return json.Unmarshal(text, v, lenient) }

// validJSON reports whether a text is one JSON value.
func validJSON(text []byte) bool { return jsontext.Value(text).IsValid(lenient) }
