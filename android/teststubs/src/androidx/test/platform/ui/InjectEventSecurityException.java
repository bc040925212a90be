package androidx.test.platform.ui;

/** Never thrown here. */
public final class InjectEventSecurityException extends Exception {}
