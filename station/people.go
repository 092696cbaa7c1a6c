package station

// Role is what a person may do at the bench.
type Role string

// Roles. A lead may release what an operator may not.
const (
	RoleOperator Role = "operator"
	RoleLead     Role = "lead"
)

// Person is somebody who works at the bench.
type Person struct {
	Name string // recorded with every run
	Role Role
}

// Staff knows the people of the bench. It is safe for concurrent use and asks nobody.
type Staff interface {
	// ByBadge finds the person who carries the badge; the text is what a scanner reads off it. It is a secret of the person.
	ByBadge(badge string) (Person, bool)
	// ByName finds a person by the name they typed, without regard to case. A bench that lists no people takes any name.
	ByName(name string) (Person, bool)
}

// Override is one run that a lead let go on although the rules held it.
type Override struct {
	Code     Code   // what held the run before it
	Run      string // the run that was held
	Reason   string // typed by the operator, printable
	Operator string
	Lead     string // whose badge was the second one
}
