/*
 * What functions that have returned left on the stack, and in the processor's registers.
 */
#ifndef SECRETS_STACK_H
#define SECRETS_STACK_H

/*
 * Wipes what the caller has used of the stack below itself, by the functions that it has called, and the registers that functions
 * need not keep. OpenSSL clears its numbers and texts, but not the words of them that its functions have put on the stack on
 * the way, nor the vector registers by which it, and memcpy, have moved them; these get to the stack later, when the dynamic
 * linker keeps them for a function that is called for the first time. Of a key that is good a first signature writes
 * over all that; of one that is refused, or an entry that is wrong, nothing does. So whoever has read keys calls this when
 * it is done.
 */
void stack_wipe(void);

#endif
