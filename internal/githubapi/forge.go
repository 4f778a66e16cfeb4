package githubapi

import (
	"net/http"
	"time"
)

// forge is what distinguishes one kind of server from others with the same API. The
// rest of the package holds for all of them: the paths and fields of GitHub's REST API.
// A field that the server leaves out is unknown. Support for another kind, such as Gitea
// and Forgejo with their /api/v1, is a file with another forge, and a choice in New.
type forge struct {
	// name is the server's name in messages.
	name string
	// header is sent with every request.
	header http.Header
	// sha is the media type of an answer that is the SHA of a commit alone.
	sha string
	// perPage is the query parameter for the number of items on a page.
	perPage string
	// until returns a value of the query parameter "created" for runs that were
	// created at t or before.
	until func(t time.Time) string
	// limit reads the rate limit that an answer reports, or returns nil.
	limit func(*answer) *limit
	// allowance reads what an answer says of the primary rate limit, or returns nil.
	allowance func(http.Header) *allowance
	// message reads the server's own text from the body of a failure, and reports
	// whether the body has the form of the server's failures.
	message func(body []byte) (text string, ok bool)
}

// limit is a rate limit, as an answer reports it.
type limit struct {
	kind Kind // PrimaryLimit or SecondaryLimit
	// reset is when a primary limit ends, by the server's clock; zero if unknown.
	reset time.Time
	// pause is the wait that a secondary limit asks for, if asks is set.
	pause time.Duration
	asks  bool
}
