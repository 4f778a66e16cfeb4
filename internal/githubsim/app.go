package githubsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// App is a GitHub App that is installed on an owner's repositories.
type App struct {
	ID             int64
	InstallationID int64
	Owner          string
	// Access is what the App was granted.
	Access Access

	tokens int
}

// AddApp installs an App. Its JSON Web Tokens are not checked, except that they have
// three parts.
func (s *Sim) AddApp(app App) *App {
	s.mu.Lock()
	defer s.mu.Unlock()
	app.ID, app.InstallationID = cmp.Or(app.ID, s.id()), cmp.Or(app.InstallationID, s.id())
	s.apps = append(s.apps, &app)
	return &app
}

func looksLikeJWT(r *http.Request) bool { return strings.Count(token(r), ".") == 2 }

func (s *Sim) getInstallation(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !looksLikeJWT(r) {
		apiError(w, http.StatusUnauthorized, "A JSON web token could not be decoded")
		return
	}
	for _, a := range s.apps {
		if strings.EqualFold(a.Owner, r.PathValue("owner")) && s.repos[strings.ToLower(a.Owner+"/"+r.PathValue("repo"))] != nil {
			s.answer(w, r, s.installationObject(a))
			return
		}
	}
	apiError(w, http.StatusNotFound, "Not Found")
}

func (s *Sim) installationObject(a *App) object {
	url := fmt.Sprintf("%s/app/installations/%d", s.APIURL, a.InstallationID)
	return object{
		"id": a.InstallationID, "app_id": a.ID, "app_slug": "artifetch", "target_id": 1, "target_type": "Organization",
		"account": s.userObject(a.Owner, "Organization"), "single_file_name": nil, "repository_selection": "all",
		"access_tokens_url": url + "/access_tokens", "repositories_url": s.APIURL + "/installation/repositories",
		"html_url": s.web("organizations/" + a.Owner + "/settings/installations"), "events": []any{},
		"permissions": object{"actions": a.permission(), "metadata": "read"},
		"created_at":  timestamp(s.opt.Now()), "updated_at": timestamp(s.opt.Now()), "suspended_by": nil, "suspended_at": nil,
	}
}

func (a *App) permission() string {
	if a.Access == Write {
		return "write"
	}
	return "read"
}

// createToken creates an installation token, restricted to the repositories and
// permissions of the request.
func (s *Sim) createToken(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Repositories []string          `json:"repositories"`
		Permissions  map[string]string `json:"permissions"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.apps {
		if strconv.FormatInt(a.InstallationID, 10) != r.PathValue("id") || !looksLikeJWT(r) || err != nil {
			continue
		}
		access := a.Access
		if body.Permissions["actions"] == "read" {
			access = Read
		} else if body.Permissions["actions"] == "write" && a.Access != Write {
			apiError(w, http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
			return
		}
		a.tokens++
		tok := fmt.Sprintf("ghs_app%d_%d", a.ID, a.tokens)
		s.tokens[tok] = map[string]Access{}
		for _, name := range body.Repositories {
			s.tokens[tok][strings.ToLower(a.Owner+"/"+name)] = access
		}
		writeJSON(w, http.StatusCreated, object{
			"token": tok, "expires_at": timestamp(s.opt.Now().Add(time.Hour)),
			"permissions": object{"actions": body.Permissions["actions"], "metadata": "read"}, "repository_selection": "selected",
		})
		return
	}
	apiError(w, http.StatusNotFound, "Not Found")
}
