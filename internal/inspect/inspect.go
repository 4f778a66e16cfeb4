// Package inspect answers questions about the files in artifacts, without extracting them:
// what differs between the artifacts of two runs (Comparison), and what is in one file
// (Copy). It knows no forge, no inputs and no texts for people: it reads artifacts through
// small interfaces, and returns values that package report words.
//
// Contract:
//
//   - A comparison only lists the files of artifacts, and not of those whose digests are
//     equal. It never takes two files for the same without a checksum that says so.
//   - A copy writes the whole file, checked, or nothing: see transfer.Engine.Copy. A
//     path that may mean files of several artifacts is refused with a *SeveralError.
package inspect

import (
	"context"

	"github.com/artifetch/artifetch/internal/transfer"
)

// Lister lists the files of artifacts; *transfer.Engine is one.
type Lister interface {
	// Files returns a Listing with all files of each item, in the order of the items.
	Files(ctx context.Context, items []transfer.Item) ([]transfer.Listing, error)
}
