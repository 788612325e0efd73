// Package app wires the parts of Footfall together: Open, Run, Close. It is the only place that knows which
// implementation stands behind an interface, and the only one that decides in which order parts start and stop.
package app
