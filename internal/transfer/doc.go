// Package transfer brings artifacts from an Origin, which gives a signed URL for
// each, into a Sink, the stage: many side by side, each of them checked. It knows no
// forge, no inputs and no words for people: what happens on the way is an Event, what
// fails is a typed error, and what becomes of an artifact is in its Item.
//
// Engine.Fetch works like this, for each artifact, several at a time (see forEach):
//
//	until an attempt succeeds, or another one could not help:
//	    the first bytes (fetch.Open) and what the storage says of them tell an
//	    archive from a file, and both from a page that came in their place
//	    an archive: its directory is checked as soon as it is there, then its
//	    files are extracted while the rest arrives
//	    a file, or an archive that is to be kept: fetched whole, then moved
//	    the digest of all bytes is compared
//	    what a failed attempt took is given back: files, budget, disk, progress
//
// Another attempt is made where the blob changed, or the storage changed its mind
// about ranges. The first artifact that fails ends all of them. When that is because
// it has expired (*ExpiredError), what was brought by then serves the next Fetch, as
// far as that asks for it.
//
// Each artifact has a tree of its own in the Sink. Nothing is published, and nothing is
// removed but what failed attempts left: an interrupted Fetch leaves trees for the
// Sink's owner to remove.
//
// Engine.List reads the directories of archives only, for a dry run.
package transfer
