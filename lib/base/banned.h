/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no file of lib/ may call. Include it last: after it, these words do not compile (an
 * attribute is written format(__printf__, ...) therefore).
 *
 * The first group writes past buffers, or cannot tell an error. The second keeps hidden state
 * between threads. The third is for programs: a library neither prints nor ends the process.
 */
#ifndef OVL_BASE_BANNED_H
#define OVL_BASE_BANNED_H

/* Some C libraries and fortification make macros of these; poisoning a macro is a warning. */
#undef alloca
#undef strdupa
#undef strndupa
#undef sprintf
#undef vsprintf
#undef printf
#undef vprintf
#undef fprintf
#undef vfprintf
#undef dprintf
#undef vdprintf
#undef strcpy
#undef strncpy
#undef stpcpy
#undef strcat
#undef strncat
#undef putchar

#pragma GCC poison strcpy strncpy stpcpy strcat strncat sprintf vsprintf gets
#pragma GCC poison alloca strdupa strndupa atoi atol atoll atof mktemp tmpnam tempnam

#pragma GCC poison strtok asctime ctime gmtime localtime rand srand getpwnam getpwuid readdir_r

#pragma GCC poison printf vprintf fprintf vfprintf dprintf vdprintf puts fputs putchar perror
#pragma GCC poison exit _exit _Exit abort system popen

#endif
