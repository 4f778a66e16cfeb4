package artifact

import "slices"

// Origin is where a commit comes from. The zero Origin is unknown, and only
// OriginOwn is to be trusted: ask Foreign, not whether it is OriginFork.
type Origin int

const (
	// OriginUnknown says that the server does not say enough.
	OriginUnknown Origin = iota
	// OriginOwn says that the commit is the repository's own.
	OriginOwn
	// OriginFork says that the commit comes from another repository, which may
	// have been deleted since.
	OriginFork
)

// Foreign reports whether the commit may come from outside the repository.
func (o Origin) Foreign() bool { return o != OriginOwn }

// ownEvents are the events that only people with write access can cause, so that their
// runs are of the repository's own commits.
var ownEvents = []string{"push", "schedule", "workflow_dispatch", "release"}

// Origin returns the origin of the run's commit. A branch name proves nothing: every fork
// has a main. If the server gives no head repository for runs (Gitea, old servers), the
// event decides.
func (r Run) Origin() Origin {
	if !r.HeadRepoDeleted && r.HeadRepoID == 0 && r.HeadRepo == "" && slices.Contains(ownEvents, r.Event) {
		return OriginOwn
	}
	return origin(r.RepoID, r.HeadRepoID, r.HeadRepoDeleted)
}

// Origin returns the origin of the run's commit, as far as an artifact's listing shows
// it.
func (r *RunRef) Origin() Origin { return origin(r.RepoID, r.HeadRepoID, r.HeadRepoDeleted) }

// Origin returns the origin of the pull request's commits.
func (p PullRequest) Origin() Origin { return origin(p.RepoID, p.HeadRepoID, p.HeadRepoDeleted) }

// origin compares a repository with the one that a commit comes from. An id that is not
// positive counts as not given.
func origin(repo, head int64, deleted bool) Origin {
	switch {
	case deleted:
		return OriginFork
	case repo <= 0 || head <= 0:
		return OriginUnknown
	case repo != head:
		return OriginFork
	}
	return OriginOwn
}

// HeadID returns the id of the repository that the run's commit comes from, or 0 if the
// server does not say.
func (r Run) HeadID() int64 {
	if r.HeadRepoID == 0 && r.Origin() == OriginOwn {
		return r.RepoID
	}
	return r.HeadRepoID
}

// Whence says where a foreign run's commit comes from, for a message.
func (r Run) Whence() string { return whence(r.Origin(), r.HeadRepo, r.HeadRepoDeleted) }

// Whence says where a foreign pull request comes from, for a message.
func (p PullRequest) Whence() string { return whence(p.Origin(), p.HeadRepo, p.HeadRepoDeleted) }

func whence(o Origin, head string, deleted bool) string {
	switch {
	case o == OriginUnknown:
		return "a repository that the server does not name"
	case deleted:
		return "a fork that was deleted"
	case head == "":
		return "another repository" // an artifact's listing has no name
	}
	return "the fork " + head
}
