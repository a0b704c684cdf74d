// Package recordrepo says what sets of records repositories have, and which of them somebody still needs.
//
// It only reads. A set is needed as long as an image is published that was made as the set says: that has all layers of its records. One of them
// says little, because whatever is made on the same steps has their layers too. Sets of images that are not published name layers that nobody keeps,
// and stay for a time. Whatever the package does not understand stays.
package recordrepo
