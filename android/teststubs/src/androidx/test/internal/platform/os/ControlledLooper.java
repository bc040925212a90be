package androidx.test.internal.platform.os;

/** Robolectric implements it; nobody here calls it. */
public interface ControlledLooper {}
