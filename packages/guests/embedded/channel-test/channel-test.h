/*
 * A program that uses the event channel in every way it has. The first word of the command line
 * picks what:
 *
 *   local                 each operation within this domain, a line for each part (the default)
 *   listen                shows what comes from outside
 *   serve PEER ROUNDS     domain PEER binds port 1 and maps grant 8; answers it
 *   call PEER ROUNDS      the other side of `serve`
 */
#pragma once
#include "bare.h"

/* local.c, listen.c, peers.c */
void run_local(void);
void run_listen(void);
void run_serve(u32 peer, u32 rounds);
void run_call(u32 peer, u32 rounds);
