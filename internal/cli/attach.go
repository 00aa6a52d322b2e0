package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/firesteel/firesteel/ai"
	"github.com/firesteel/firesteel/internal/network/fetch"
	"github.com/firesteel/firesteel/llm"
	"github.com/firesteel/firesteel/llm/models"
	"github.com/firesteel/firesteel/spark"
)

func (a *app) attach() *cobra.Command {
	var f shipFlags
	var kept sparkLedgerFlags
	var roles []string
	c := &cobra.Command{
		Use:   "attach [REMOTE]",
		Short: "Register the AI functions in an open session of PySpark",
		Long: `Registers the AI functions in an open session of a Python client, and exits. The
client calls them by name; its own Python functions work as before.

The models of all roles that the functions ask are uploaded: those of --model and,
for the other roles, the defaults (text: 98 MB, embed: 35 MB). --roles uploads the
defaults of the named roles only.

REMOTE is the client's connection string with its session and user added (the
default is SPARK_REMOTE). In PySpark:

  print(f"session_id={spark.session_id};user_id={spark.client._user_id or ''}")`,
		Example: `  firesteel attach "sc://localhost:15002/;session_id=0b9a7c4e-52d1-4f1c-9a53-5f6f2f6c5d7e;user_id=ann"
  >>> spark.sql("SELECT ai_gen('Name three colours.')").show()`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%w: '%s' takes one connection string, but got %d", errUsage, c.CommandPath(), len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			remote := os.Getenv("SPARK_REMOTE")
			if len(args) > 0 {
				remote = args[0]
			}
			if !strings.Contains(remote, ";session_id=") {
				return fmt.Errorf("%w: name the session as in %q; in PySpark, ID is spark.session_id and USER is spark.client._user_id",
					errUsage, "sc://host:15002/;session_id=ID;user_id=USER")
			}
			if err := kept.check(); err != nil {
				return err
			}
			return a.runAttach(c, remote, f, kept, roles)
		},
	}
	f.add(c)
	kept.add(c)
	c.Flags().StringSliceVar(&roles, "roles", nil, "roles whose models are uploaded: text, embed, tag, rank (default: all that the functions ask)")
	return c
}

// askedRoles returns the roles that the AI functions ask.
func askedRoles() (roles []llm.ModelRole) {
	for _, f := range ai.All() {
		for _, ask := range f.Asks(nil) {
			if !slices.Contains(roles, ask.Role) {
				roles = append(roles, ask.Role)
			}
		}
	}
	return roles
}

// available returns the roles without those whose default model this process may
// not download, which it reports.
func (a *app) available(ctx context.Context, f shipFlags, roles []llm.ModelRole) []llm.ModelRole {
	set, _ := f.set() // connect reports mistakes
	o, _ := f.modelOptions(fetch.NewProgress(a.err))
	return slices.DeleteFunc(roles, func(role llm.ModelRole) bool {
		if set.Default(role) >= 0 {
			return false
		}
		r, err := models.DefaultFor(role)
		if errors.Is(err, llm.ErrNoModel) {
			return true // the functions do without it
		}
		if err == nil {
			_, err = models.Resolve(ctx, r, o)
			err = models.ForDefault(role, r, err)
		}
		if !errors.Is(err, llm.ErrNoModel) {
			return false
		}
		fmt.Fprintf(a.err, "no model of the role %s is uploaded: %v\n", role, roleHint(err))
		return true
	})
}

// parseRoles parses the names of roles.
func parseRoles(names []string) (roles []llm.ModelRole, err error) {
	for _, name := range names {
		role := llm.ModelRole(strings.ToLower(strings.TrimSpace(name)))
		if !slices.Contains(llm.Roles, role) {
			return nil, fmt.Errorf("%w: --roles: there is no role %q; the roles are text, embed, tag and rank", errUsage, name)
		}
		roles = append(roles, role)
	}
	return roles, nil
}

func (a *app) runAttach(c *cobra.Command, remote string, f shipFlags, kept sparkLedgerFlags, names []string) error {
	roles, err := parseRoles(names)
	if err != nil {
		return err
	}
	if len(roles) == 0 {
		roles = a.available(c.Context(), f, askedRoles())
	}
	ctx, stop := interruptible(c)
	defer stop()
	session, err := a.connect(ctx, remote, f, append(kept.options(), spark.WithPythonSession(), spark.WithDefaultModels(roles...))...)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "session %s of user %q on Spark %s now has %d AI functions, among them %s\n",
		session.ID(), session.UserID(), session.Version(), len(ai.All()), ai.All()[0].Name)
	return session.Close()
}
