// Package deploy has no code: the files beside it run infer on machines and
// clusters, and its tests look at them as those would that read them. Command image
// builds the image.
package deploy
