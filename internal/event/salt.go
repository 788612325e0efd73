package event

import "fmt"

// Purposes of salts.
const (
	SaltVisitors = "visitors" // keys the visitor ids of its day
	SaltImports  = "imports"  // what the salts of older, imported days are derived from; made on its day
)

// Salt is a secret that visitor ids are keyed with. Whoever has it can find out which address an id stands for, so it is
// destroyed when 48 h have passed since its day began.
type Salt struct {
	Purpose string
	Day     int64 // UTC days since the epoch
	Secret  [16]byte
}

// String names the salt and keeps its secret.
func (s Salt) String() string { return fmt.Sprintf("salt of %s of day %d", s.Purpose, s.Day) }
