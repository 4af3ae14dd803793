/*
 * Strangers: first messages of Main Mode that nobody means, from as many addresses as are wanted.
 *
 * They ask for what LAB_CHEAP has (lab.h). Not for: messages that somebody sent (hostile.h).
 */
#ifndef FLOOD_H
#define FLOOD_H

#include "lab.h"

/* To host 1, from 172.16.0.0/16. */
struct path flood_path(unsigned sender);
/* The nth one: its cookie is another one. */
void flood_first(struct datagram *d, unsigned n, const struct path *path);
/* Larger by so many bytes (12 at least): those of a second transform, with an attribute that nobody knows. */
void flood_grow(struct datagram *d, size_t more);

#endif
