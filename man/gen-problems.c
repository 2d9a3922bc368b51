/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints overlay-problems(7) from the table of problems, so that table and page cannot part.
 *
 * The output depends on the table and on nothing else: no clock, no locale.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlayfs/observe.h"
#include "overlayfs/problem.h"

/* The day when the meaning of the page last changed. */
#define PAGE_DATE "2026-11-22"

enum { LINE_WIDTH = 76 };

#define ON_KIND(KIND) (1u << OVL_KIND_##KIND)

static const struct ovl_problem problems[OVL_P__MAX] = {
#define PROBLEM(ID, NAME, SLUG, ...) [OVL_P_##NAME] = { .id = (ID), __VA_ARGS__ },
#include "overlayfs/problems.def"
#undef PROBLEM
};

/** The first byte of the ids of a family, and its title. */
static const struct family {
	const char *title, *what;
} families[] = {
	[0x01] = { "Layers and environment",
		   "How the layers lie to each other, and whether they can be looked at now." },
	[0x02] = { "Work directory", "What lies in the directory given as workdir." },
	[0x03] = { "File handles and origins",
		   "Overlayfs remembers by a file handle, the xattr origin, which lower object "
		   "an upper one was copied up from: that keeps inode numbers constant, and "
		   "hard links together. It never finds data by it." },
	[0x04] = { "Whiteouts and opaque directories", "What hides objects of lower layers." },
	[0x05] = { "Redirects",
		   "The xattr redirect says that the lower part of a directory, or the data of "
		   "a metacopy file, has another name." },
	[0x06] = { "Metacopy files",
		   "The xattr metacopy says that a file has only its metadata in this layer; "
		   "its data is in a layer below." },
	[0x07] = { "Index and link counts",
		   "With index=on, the directory index in the work directory holds files with "
		   "several lower names together; with nfs_export=on it holds an entry for "
		   "whatever was copied up." },
	[0x08] = { "Others", "Small values, foreign marks, and what the check runs into." },
	[0x09] = { "Conversion",
		   "Only with --to or -O: traces of features that the target of a conversion lacks." },
};

static const char *const severity_words[OVL_SEV__MAX] = {
	[OVL_SEV_INFO] = "information",
	[OVL_SEV_WARNING] = "warning",
	[OVL_SEV_ERROR] = "error",
};

static const char *const trust_words[OVL_TRUST__MAX] = {
	[OVL_TRUST_NEVER] = "never",
	[OVL_TRUST_ASK] = "ask",
	[OVL_TRUST_PREEN] = "preen",
};

static void put_char(char c)
{
	switch (c) {
	case '\\':
		fputs("\\e", stdout);
		break;
	case '-':
		fputs("\\-", stdout);
		break;
	case '\'':
		fputs("\\(aq", stdout);
		break;
	case '`':
		fputs("\\(ga", stdout);
		break;
	case '^':
		fputs("\\(ha", stdout);
		break;
	case '~':
		fputs("\\(ti", stdout);
		break;
	default:
		putchar(c);
	}
}

static void put_word(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put_char(word[i]);
}

/* A full stop, perhaps in quotes, before the end or a capital. "1.2" and "e.g. this" are none. */
static bool ends_sentence(const char *word, size_t len)
{
	const char *next = word + len;

	while (len > 0 && strchr("\")", word[len - 1]))
		len--;
	while (*next == ' ' || *next == '"')
		next++;
	return len > 0 && word[len - 1] == '.' && (!*next || isupper((unsigned char)*next));
}

/* Running text: sentences start on a line of their own, and no line is a request by accident. */
static void put_text(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > LINE_WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column > 0) {
			putchar(' ');
			column++;
		} else if (*text == '.' || *text == '\'') {
			fputs("\\&", stdout);
		}
		put_word(text, len);
		column = ends_sentence(text, len) ? 0 : column + len;
		if (column == 0)
			putchar('\n');
		text += len;
		text += strspn(text, " ");
	}
	if (column > 0)
		putchar('\n');
}

static void put_paragraph(const char *label, const char *text)
{
	printf(".IP\n.I %s:\n", label);
	put_text(text);
}

static void put_problem(const struct ovl_problem *p)
{
	fputs(".TP\n.B ", stdout);
	put_word(p->slug, strlen(p->slug));
	putchar('\n');
	put_text(p->text);
	printf(".br\n(0x%04x, %s, %s)\n", p->id, severity_words[p->severity],
	       trust_words[p->trust]);
	put_paragraph("Symptom", p->symptom);
	put_paragraph("Cause", p->cause);
	put_paragraph("Remedy", p->remedy);
}

static void put_head(void)
{
	printf(".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	       ".\\\" Made from the table of problems; do not change it here.\n"
	       ".TH OVERLAY\\-PROBLEMS 7 %s fsck.overlay\n"
	       ".ad l\n.nh\n"
	       ".SH NAME\n"
	       "overlay\\-problems \\- what can be wrong with the layers of an overlay\n"
	       ".SH DESCRIPTION\n",
	       PAGE_DATE);
	put_text("fsck.overlay(8) looks at the layers of an overlay and names each problem that it "
		 "finds by a place, a short text and, in parentheses, the name of the problem:");
	puts(".PP\n.RS 4\n.nf\n"
	     "upper:/etc/motd: metacopy has no lower data (meta\\-no\\-lowerdata)\n.fi\n.RE\n.PP");
	put_text("This page explains every name. \"fsck.overlay --explain=NAME\" prints the same. "
		 "Names and numbers never change their meaning. Symptoms are those of Linux 6.18; "
		 "older kernels may act otherwise.");
	puts(".PP");
	put_text("In parentheses stand the number of the problem, how bad it is, and who would "
		 "have to agree to a repair.");
}

static void put_severity(void)
{
	puts(".SS How bad it is");
	puts(".TP\n.B error");
	put_text("Something is visibly broken, the mount is refused, or data will be lost.");
	puts(".TP\n.B warning");
	put_text("A property such as a constant inode number is lost, there is garbage that does "
		 "nothing, or nobody can tell what is meant.");
	puts(".TP\n.B information");
	put_text("Worth knowing, and often normal. It is shown with the option -v, and does not "
		 "change the exit status.");
	puts(".PP");
	put_text("A finding may be milder than its problem is in general, where the circumstances "
		 "make it so.");
}

static void put_trust(void)
{
	puts(".SS Who would have to agree to a repair");
	puts(".TP\n.B preen");
	put_text("Nobody: a repair loses nothing that anybody could want.");
	puts(".TP\n.B ask");
	put_text("A person who knows what was meant, or what may be lost.");
	puts(".TP\n.B never");
	put_text("There is no safe repair, or none is needed: the problem is only reported.");
}

static void put_by_hand(void)
{
	puts(".SS Repairs by hand");
	put_text("Unmount the overlay first, everywhere: changes of layers beneath a live mount "
		 "are undefined behaviour. Keep a copy of what you change. Commands are meant for "
		 "root and for the layers themselves, not for a mount of them. A lower layer may "
		 "be shared with other overlays: do not change it unless you know them all.");
	puts(".PP");
	put_text("Xattrs are called by the end of their names. \"xattr opaque\" is "
		 "trusted.overlay.opaque, or user.overlay.opaque if the overlay is mounted with "
		 "the option userxattr. \"The log\" is that of the kernel, see dmesg(1); it writes "
		 "no more than ten messages of one kind in five seconds.");
}

static void put_tail(void)
{
	puts(".SH SEE ALSO");
	puts(".BR dmesg (1),\n.BR mknod (1),\n.BR setfattr (1),\n.BR xattr (7),\n"
	     ".BR fsck (8),\n.BR fsck.overlay (8),\n.BR mount (8)");
	puts(".PP\n.UR https://docs.kernel.org/filesystems/overlayfs.html\n"
	     "Overlayfs in the documentation of the kernel\n.UE .");
}

/* Starts the section of a family; false if nobody gave it a title. */
static bool put_family(unsigned number)
{
	if (number >= sizeof(families) / sizeof(families[0]) || !families[number].title)
		return false;
	printf(".SS %s\n", families[number].title);
	put_text(families[number].what);
	return true;
}

int main(void)
{
	unsigned family = 0;

	put_head();
	put_severity();
	put_trust();
	put_by_hand();
	puts(".SH PROBLEMS");
	for (int i = 0; i < OVL_P__MAX; i++) {
		if (problems[i].id >> 8 != family) {
			family = problems[i].id >> 8;
			if (!put_family(family)) {
				fprintf(stderr, "gen-problems: no title for family %u\n", family);
				return EXIT_FAILURE;
			}
		}
		put_problem(&problems[i]);
	}
	put_tail();
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("gen-problems");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
