# SPDX-License-Identifier: GPL-2.0-or-later

# OVL_COMPLETION(SHELL, DEFAULT): --with-SHELL-completion-dir, SHELLcompletiondir, SHELL_COMPLETION
AC_DEFUN([OVL_COMPLETION], [
	AC_ARG_WITH([$1-completion-dir], [AS_HELP_STRING([--with-$1-completion-dir=DIR],
		[completion for $1 goes there; "no": nowhere])],
		[], [with_$1_completion_dir=yes])
	AS_IF([test "x$with_$1_completion_dir" = xyes], [with_$1_completion_dir=$2])
	AC_SUBST([$1completiondir], [$with_$1_completion_dir])
	AM_CONDITIONAL(m4_toupper([$1])[_COMPLETION], [test "x$with_$1_completion_dir" != xno])
])
