// Package transfer brings artifacts from an Origin, which gives a signed URL for each,
// into a Sink, the stage: many side by side, each of them checked. It knows no forge, no
// inputs and no texts for people: it reports progress as Events, failures as typed
// errors, and the outcome for each artifact in its Item.
//
// Engine.Fetch works like this, for each artifact, several at a time (see forEach):
//
//	until an attempt succeeds, or another one could not help:
//	    the first bytes (fetch.Open) and what the storage says of them tell an
//	    archive from a file, and both from a page that came in their place
//	    an archive: its directory is checked as soon as it is there, then its
//	    files are extracted while the rest arrives
//	    a file, or an archive that is to be kept: fetched whole, then moved
//	    the digest of all bytes is compared with the one on record, and with those
//	    expected
//	    what a failed attempt took is given back: files, budget, disk, progress
//
// At the end, artifacts and expected digests have to match one to one.
//
// Another attempt is made if the blob changed, or if the storage's support of ranges did.
// The first artifact that fails ends the whole Fetch. If it failed because it has expired
// (*ExpiredError), the next Fetch uses the artifacts that were complete by then, if it
// asks for them.
//
// Each artifact has a tree of its own in the Sink. Nothing is published, and only the
// remains of failed attempts are removed: an interrupted Fetch leaves trees for the
// Sink's owner to remove.
//
// Engine.List, for a dry run, reads only the directories of archives, and the first bytes of
// what is kept as it is.
package transfer
