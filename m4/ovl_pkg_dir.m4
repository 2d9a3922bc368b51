# SPDX-License-Identifier: GPL-2.0-or-later

# OVL_PKG_DIR(NAME, PACKAGE, WHAT, DEFAULT): --with-NAME, the variable NAME, and the condition of that name in
# capitals, which is false for "no". Without the option: where pkg-config says for PACKAGE, below our prefix.
AC_DEFUN([OVL_PKG_DIR], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [$3; "no": nowhere])],
		[], [with_$1=yes])
	AS_IF([test "x$with_$1" = xyes], [
		with_$1=
		AS_IF([test -n "$PKG_CONFIG"], [with_$1=$($PKG_CONFIG \
			--define-variable=prefix='${prefix}' --define-variable=root_prefix='${prefix}' \
			--define-variable=rootprefix='${prefix}' --variable=$1 $2 2>/dev/null)])
		AS_IF([test -z "$with_$1"], [with_$1='$4'])
	])
	AC_SUBST([$1], [$with_$1])
	AM_CONDITIONAL(m4_toupper([$1]), [test "x$with_$1" != xno])
])
