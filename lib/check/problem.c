/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of problems.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "check/rules.h"
#include "overlayfs/observe.h"
#include "overlayfs/problem.h"
#include "base/banned.h"

#define ON_KIND(KIND) (1u << OVL_KIND_##KIND)

static const struct ovl_problem problems[OVL_P__MAX] = {
#define PROBLEM(ID, NAME, SLUG, ...) \
	[OVL_P_##NAME] = { .id = (ID), .check = ovl_check_##SLUG, __VA_ARGS__ },
#define PROBLEM_BY_ENGINE(ID, NAME, SLUG, ...) [OVL_P_##NAME] = { .id = (ID), __VA_ARGS__ },
#include "overlayfs/problems.def"
#undef PROBLEM
};

/* Never called: an id that two rows have does not compile here ("duplicate case value"). */
__attribute__((unused)) static void ids_are_unique(unsigned id)
{
	switch (id) {
#define PROBLEM(ID, NAME, SLUG, ...) case (ID):
#include "overlayfs/problems.def"
#undef PROBLEM
	default:
		break;
	}
}

const struct ovl_problem *ovl_problem_get(enum ovl_problem_id id)
{
	assert((unsigned)id < OVL_P__MAX);
	return &problems[id];
}

int ovl_problem_find(const char *slug, enum ovl_problem_id *ret_id)
{
	for (int id = 0; id < OVL_P__MAX; id++) {
		if (strcmp(problems[id].slug, slug) == 0) {
			*ret_id = (enum ovl_problem_id)id;
			return 0;
		}
	}
	return -ENOENT;
}

bool ovl_problem_is_quick(const struct ovl_problem *p)
{
	switch (p->scope) {
	case OVL_SCOPE_STACK:
	case OVL_SCOPE_WORK:
		return true;
	case OVL_SCOPE_OBJECT:
		return (p->on & OVL_ON_ROOT) != 0 || p->doubt;
	case OVL_SCOPE_DIR:
	case OVL_SCOPE_INDEX:
	case OVL_SCOPE_CROSS:
	case OVL_SCOPE__MAX:
	default:
		return p->doubt;
	}
}

const char *ovl_severity_name(enum ovl_severity severity)
{
	static const char *const names[OVL_SEV__MAX] = {
		[OVL_SEV_INFO] = "information",
		[OVL_SEV_WARNING] = "warning",
		[OVL_SEV_ERROR] = "error",
	};

	assert((unsigned)severity < OVL_SEV__MAX);
	return names[severity];
}
